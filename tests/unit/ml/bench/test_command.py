import re
import subprocess
import sys
from pathlib import Path

import cv2
import faiss
import pytest

from ml.__main__ import main as run_ml
from ml.bench.command import main
from ml.errors import EvaluationDataInvalid, NoPictures
from tests.contract.encoder.checkpoints import save_clip
from tests.unit.ml.bench.clocks import Durations

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize(("slowest_s", "status"), [(0.046875, 0), (0.0625, 1)])
def test_the_worst_picture_decides_and_is_named(folder, capsys, slowest_s, status):
    clock = Durations(0.010, 0.500, slowest_s, 0.002)
    argv = ["panels", "--data", str(folder), "--rounds", "1"]

    assert main(argv, clock=clock) == status

    usual, own = capsys.readouterr().out.splitlines()[2:]
    assert usual.split()[-1] == "1.png"
    assert usual.split()[-3:-1] == [f"{1000 * slowest_s:.1f}", "60"]
    assert own.split()[-3:] == ["500.0", "–", "0.png"]


def test_lookups_and_comparisons_are_timed_apart(folder, capsys):
    clock = Durations(*(step / 512 for step in range(1, 7)))  # exact in binary

    status = main(["copies", "--data", str(folder), "--rounds", "1"], clock=clock)

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

    run_ml(["bench", "panels", "--data", str(folder), "--count", "1", "--rounds", "1"])

    assert [line.split()[-7] for line in capsys.readouterr().out.splitlines()[2:]] == [
        "1200",
        "size",
    ]
    assert (cv2.getNumThreads(), faiss.omp_get_max_threads()) == threads


def test_the_command_times_an_encoder(folder, tmp_path_factory, capsys):
    choice = f"clip:{save_clip(tmp_path_factory.mktemp('clip') / 'small-clip')}"
    argv = ["encoder", choice, "--data", str(folder), "--device", "cpu"]

    status = main([*argv, "--count", "5", "--batch-size", "2", "--rounds", "2"])

    printed = capsys.readouterr().out
    assert printed.startswith(f"{choice}: 5 pictures, batches of 2, median of 2 rounds\n")
    ratio = float(re.search(r"ratio +([\d.]+)\n", printed)[1])
    assert status == (0 if ratio >= 0.9 else 1)
    assert len(re.findall(r"\d pictures/s", printed)) == 2


def test_the_command_times_a_detector(folder, capsys):
    flags = ["detector", "none", "--data", str(folder), "--count", "4", "--batch-size", "2"]
    clock = Durations(0.5, 0.25, 1.0)

    assert main([*flags, "--rounds", "3"], clock=clock) == 0

    assert capsys.readouterr().out == (
        "none: 4 pictures, batches of 2, median of 3 rounds\ndetector       125.0 ms a picture\n"
    )


@pytest.mark.parametrize(
    ("older", "words", "passes"),
    [
        pytest.param(["--detector", "none"], ["detector", "none"], 5, id="detector"),
        pytest.param(["--detector=none"], ["detector", "none"], 5, id="with an equals sign"),
        pytest.param(["--part", "panels"], ["panels"], 12, id="panels"),
        pytest.param(["--part=copies"], ["copies"], 18, id="copies"),
    ],
)
def test_the_older_spelling_does_the_same(folder, capsys, older, words, passes):
    data, times_s = ["--data", str(folder)], [0.001] * passes

    expected = main([*words, *data], clock=Durations(*times_s)), capsys.readouterr().out

    for spelled in ([*older, *data], [*data, *older]):
        clock = Durations(*times_s)
        assert (main(spelled, clock=clock), capsys.readouterr().out) == expected
        assert clock.left == []


def test_an_encoder_that_does_not_exist_is_named_in_the_older_spelling(folder, capsys):
    assert run_ml(["bench", "--encoder", "nobody", "--data", str(folder)]) == 2

    assert "There is no encoder 'nobody'" in capsys.readouterr().err


def test_a_folder_without_a_readable_picture_is_said_so(tmp_path):
    works = (["panels"], ["copies"], ["detector", "none"], ["encoder", "clip"])
    for work in works:
        with pytest.raises(EvaluationDataInvalid, match="There is no folder"):
            main([*work, "--data", str(tmp_path / "none")])

    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    for work in works:
        with pytest.raises(NoPictures, match="can be read") as error:
            main([*work, "--data", str(tmp_path)])
        assert error.value.code == "ml:no-pictures"


@pytest.mark.parametrize("flag", ["--count", "--batch-size", "--rounds"])
def test_numbers_are_at_least_one(flag, capsys):
    with pytest.raises(SystemExit) as error:
        main(["encoder", "clip", "--data", ".", flag, "0"])

    assert error.value.code == 2
    assert f"{flag}: 0 is not at least 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        pytest.param([], "choose from 'encoder', 'detector', 'panels', 'copies'", id="nothing"),
        pytest.param(["--detector", "none", "--encoder", "clip"], "not allowed with", id="two"),
        pytest.param(["--part", "edges"], "invalid choice: 'edges'", id="unknown"),
        pytest.param(["encoder"], "required: name", id="no name"),
        pytest.param(["panels", "--batch-size", "4"], "unrecognized", id="a network's flag"),
    ],
)
def test_one_thing_is_timed_at_a_time(folder, capsys, words, reason):
    with pytest.raises(SystemExit) as error:
        main([*words, "--data", str(folder)])

    assert error.value.code == 2
    assert reason in capsys.readouterr().err


def test_help_and_wrong_flags_load_no_model_library():
    program = (
        "import sys; from ml.bench.command import main\n"
        "for words in ['--help'], ['encoder', '--help'], ['panels', '--data']:\n"
        "    try: main(words)\n"
        "    except SystemExit as end: print(end.code)\n"
        "print(*({'torch', 'cv2', 'faiss'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)

    lines = done.stdout.splitlines()
    assert [line for line in lines if line.isdigit()] == ["0", "0", "2"]
    assert lines[-1] == ""
