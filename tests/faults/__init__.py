"""A report, not a test: `python -m tests.faults`."""
