"""The query page and the search behind it."""
