"""What people decide about pairs of pictures, and what that says of the verdicts."""
