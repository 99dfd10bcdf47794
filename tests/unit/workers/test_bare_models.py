import os
import re
from pathlib import Path

import pytest

from tests.pictures import numbered
from workers.bare_models import main


@pytest.fixture
def folder(tmp_path: Path, weights: list[str], settings) -> Path:
    settings.ENCODER, settings.DETECTOR = "semblance_lite", "none"
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(numbered(number))
    return tmp_path


def test_the_pace_is_one_number(folder: Path, capsys, weights: list[str]) -> None:
    assert main(["pace", str(folder)]) == 0

    assert re.fullmatch(r"\d+\.\d{3}\n", capsys.readouterr().out)
    assert weights == ["semblance_lite"]


def test_stages_are_timed_on_one_core_which_is_given_back(folder: Path, capsys) -> None:
    cores = os.sched_getaffinity(0)

    assert main(["stages", str(folder), "--rounds", "1"]) == 0

    assert capsys.readouterr().out.splitlines()[0].split() == [
        *("CPU", "ms", "a", "picture", "alone", "in", "batches"),
    ]
    assert os.sched_getaffinity(0) == cores
