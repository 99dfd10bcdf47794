"""Who did what, and when: an append-only record for the people who answer for the catalogue."""
