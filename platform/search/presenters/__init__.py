"""How the answer to a search is shown, to people and to programs."""
