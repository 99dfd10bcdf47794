"""How a picture was made, told from its pixels, or that this cannot be told."""
