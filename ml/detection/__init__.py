"""What is in a picture: labelled boxes, and which of them become regions."""
