"""What one training run is made of; `ml.training.trainer` puts it together."""
