import cv2
import faiss
import numpy as np
import pytest

from ml import bench
from ml.__main__ import main
from ml.errors import EvaluationDataInvalid, NoPictures
from tests.unit.ml.panels import pictures


class Durations:
    """A clock on which the passes that are timed take the given seconds, one after another."""

    def __init__(self, *seconds):
        self.now_s = 0.0
        self.left = list(seconds)
        self.is_running = False

    def __call__(self):
        if self.is_running:
            self.now_s += self.left.pop(0)
        self.is_running = not self.is_running
        return self.now_s


@pytest.fixture
def folder(tmp_path):
    for number in range(2):
        picture = pictures.photo(number, 200, 150)
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
    return tmp_path


def test_a_picture_takes_what_its_quickest_pass_took(folder):
    clock = Durations(0.050, 0.030, 0.002, 0.001, 0.020, 0.070, 0.003, 0.004)

    usual, own = bench.measure_panels(folder, rounds=2, count=None, clock=clock)

    assert (usual.cases, own.cases) == (("0.png", "1.png"), ("0.png", "1.png"))
    assert usual.ms == pytest.approx((30, 20))
    assert own.ms == pytest.approx((1, 3))
    assert clock.left == []


@pytest.mark.parametrize(("slowest_s", "status"), [(0.046875, 0), (0.0625, 1)])
def test_the_worst_picture_decides_and_is_named(folder, capsys, slowest_s, status):
    clock = Durations(0.010, 0.500, slowest_s, 0.002)
    argv = ["--part", "panels", "--data", str(folder), "--rounds", "1"]

    assert bench.main(argv, clock=clock) == status

    usual, own = capsys.readouterr().out.splitlines()[2:]
    assert usual.split()[-1] == "1.png"
    assert usual.split()[-3:-1] == [f"{1000 * slowest_s:.1f}", "60"]
    assert own.split()[-3:] == ["500.0", "–", "0.png"]


def test_lookups_and_comparisons_are_timed_apart(folder, capsys):
    clock = Durations(*(place / 512 for place in range(1, 7)))  # exact in binary

    status = bench.main(["--part", "copies", "--data", str(folder), "--rounds", "1"], clock=clock)

    lines = capsys.readouterr().out.splitlines()[2:]
    assert status == 0
    assert [line.split()[-4:-1] for line in lines] == [
        ["3.8", "3.9", "5"],
        ["7.7", "7.8", "40"],
        ["11.6", "11.7", "40"],
    ]
    assert clock.left == []


def test_the_command_runs_and_leaves_the_threads_as_they_were(folder, capsys):
    cv2.setNumThreads(2)
    threads = cv2.getNumThreads(), faiss.omp_get_max_threads()

    main(["bench", "--part=panels", "--data", str(folder), "--count", "1", "--rounds", "1"])

    assert [line.split()[-7] for line in capsys.readouterr().out.splitlines()[2:]] == [
        "1200",
        "size",
    ]
    assert (cv2.getNumThreads(), faiss.omp_get_max_threads()) == threads


def test_a_folder_without_a_readable_picture_is_said_so(tmp_path):
    with pytest.raises(EvaluationDataInvalid, match="There is no folder"):
        bench.main(["--part", "panels", "--data", str(tmp_path / "none")])

    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    for part in ("panels", "copies"):
        with pytest.raises(NoPictures, match="can be read") as error:
            bench.main(["--part", part, "--data", str(tmp_path)])
        assert error.value.code == "ml:no-pictures"


def test_pictures_are_resized_to_the_usual_size_only(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(bench, "split", lambda pixels: seen.append(pixels.shape))
    cv2.imwrite(str(tmp_path / "0.png"), np.zeros((1300, 1700, 3), np.uint8))

    bench.measure_panels(tmp_path, rounds=1, count=None)

    assert seen[1:] == [(1200, 1600, 3), (1300, 1700, 3)]
