"""The embedded vector store: Qdrant Edge in a process of its own, behind part of Qdrant's REST API.

An Edge shard belongs to one process, its calls hold the interpreter lock, and a fork hangs it, so
no web or worker process opens one: they use ``QdrantClient(url=...)``, here as in production.
"""
