"""How good embeddings are: metrics, protocols, reports, and what a score means."""
