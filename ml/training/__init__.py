"""Training of encoders: data, losses and the loop."""
