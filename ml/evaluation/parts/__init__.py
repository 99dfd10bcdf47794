"""Whether collages and pages as queries find each of their photos."""
