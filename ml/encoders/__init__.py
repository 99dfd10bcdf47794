"""Encoders: pictures to embeddings."""
