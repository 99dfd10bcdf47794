"""Ways in: folders and forms, as imports."""
