"""Images of the product, and the question that asks whether a container does its work."""
