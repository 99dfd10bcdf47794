"""What the API takes and gives, typed: its document is made of these."""
