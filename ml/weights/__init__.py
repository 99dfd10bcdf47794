"""Files of weights: where they are, how they are fetched, and that they stay the same ones."""
