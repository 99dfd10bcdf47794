"""Embeddings of a folder's pictures, written into a file: `python -m ml --mode inference`."""
