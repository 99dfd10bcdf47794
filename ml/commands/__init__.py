"""What the commands of `ml` share: numbers in flags, what is logged, what is left out."""
