"""Benchmarks of the running product: `manage.py bench search|ingest|index`."""
