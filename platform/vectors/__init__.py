"""The vector store: one protocol, its two implementations, and the embedded store's process."""
