import pytest

from ingestion.services import chunks


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have files written one after another, so that a test knows at which the disk is full."""
    monkeypatch.setattr(chunks, "_THREADS", 1)
