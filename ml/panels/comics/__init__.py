"""Pages of comics: panels between gutters of one colour, which may be slanted."""
