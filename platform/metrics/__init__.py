"""What the product measures of itself, and how all processes of a machine add up to one page."""
