"""Builds beside each other: another commit's code checked out, and the product of each running."""
