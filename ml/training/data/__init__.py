"""Training data: which pictures are the same subject, and the views that batches are made of."""
