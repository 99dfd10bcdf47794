"""What an encoder's scores mean: from labelled pairs to probabilities and thresholds."""
