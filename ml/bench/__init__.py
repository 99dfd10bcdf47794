"""How fast this machine segments, embeds, detects and compares: `python -m ml bench`."""
