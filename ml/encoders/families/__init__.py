"""What encoders are made of, a module a family: its network, and how its weights are loaded."""
