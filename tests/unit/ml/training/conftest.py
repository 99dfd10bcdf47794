from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.unit.ml.training.tiny import write_blocks


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small wait longer for a second thread than they compute."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def pictures(tmp_path, rng) -> Path:
    """Sixteen pictures, for "made" data."""
    return write_blocks(tmp_path / "data", [f"{number:02}.png" for number in range(16)], rng)
