"""Collages that canvases, cuts and textures alone do not tell."""
