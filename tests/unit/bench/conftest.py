from pathlib import Path

import pytest

from bench.builds.checkout import Build
from tests.pictures import GREEN, corners, encoded, plain
from tests.unit.bench.made_builds import MakeBuild, make_build


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    return tmp_path / "diary"


@pytest.fixture
def new_build(tmp_path: Path, diary: Path) -> MakeBuild:
    """Makes builds, each named as its folder."""

    def new(name: str, **told: object) -> Build:
        return make_build(tmp_path / "builds" / name, diary, **told)

    return new


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with two pictures and something else."""
    (tmp_path / "source" / "deep").mkdir(parents=True)
    (tmp_path / "source" / "a.png").write_bytes(encoded(corners(64, 32)))
    (tmp_path / "source" / "deep" / "b.PNG").write_bytes(plain(GREEN))
    (tmp_path / "source" / "notes.txt").write_bytes(b"text")
    return tmp_path / "source"
