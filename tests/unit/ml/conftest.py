import logging

import pytest


@pytest.fixture
def _restored_logging():
    """A command sets up logging for its process; the other tests have their own."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
