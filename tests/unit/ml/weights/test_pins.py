import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ml.errors import CheckpointMismatch
from ml.weights.pins import Pin, Pins, is_commit

REPOSITORY = Path(__file__).resolve().parents[4]
NAME = "somebody/small-clip@main"
FIRST = Pin(sha256="1" * 64, commit="a" * 40)
OTHER = Pin(sha256="2" * 64, commit="b" * 40)
RECORD = '{\n  "%s": {\n    "sha256": "%s",\n    "commit": "%s"\n  }\n}\n'


def test_nothing_is_recorded_of_what_was_never_loaded(tmp_path):
    assert Pins(tmp_path / "not made yet").find(NAME) is None
    assert list(tmp_path.iterdir()) == []


def test_the_first_load_is_written_down(tmp_path):
    Pins(tmp_path).check(NAME, FIRST, location=tmp_path)

    assert (tmp_path / "pins.json").read_text() == RECORD % (NAME, FIRST.sha256, FIRST.commit)
    assert Pins(tmp_path).find(NAME) == FIRST


def test_later_loads_add_to_the_record(tmp_path):
    without_commit = Pin(sha256="3" * 64)

    Pins(tmp_path).check(NAME, FIRST, location=tmp_path)
    Pins(tmp_path).check("network.pt", without_commit, location=tmp_path)

    assert Pins(tmp_path).find(NAME) == FIRST
    assert Pins(tmp_path).find("network.pt") == without_commit


@pytest.mark.parametrize(
    "other",
    [
        Pin(sha256=OTHER.sha256, commit=FIRST.commit),
        Pin(sha256=FIRST.sha256, commit=OTHER.commit),
        Pin(sha256=FIRST.sha256),
    ],
    ids=["hash", "commit", "no-commit"],
)
def test_other_weights_of_the_same_name_are_refused(tmp_path, other):
    pins = Pins(tmp_path)
    pins.check(NAME, FIRST, location=tmp_path)

    with pytest.raises(CheckpointMismatch) as error:
        pins.check(NAME, other, location=tmp_path / "snapshot")

    assert error.value.code == "ml:checkpoint-mismatch"
    assert f"The weights of {NAME} are not those of the first load" in str(error.value)
    assert f"Delete {tmp_path / 'snapshot'} to fetch them again" in str(error.value)
    assert f"take {NAME} out of {tmp_path / 'pins.json'}" in str(error.value)
    assert pins.find(NAME) == FIRST


def test_what_is_taken_out_of_the_record_is_loaded_for_the_first_time_again(tmp_path):
    pins = Pins(tmp_path)
    pins.check(NAME, FIRST, location=tmp_path)
    pins.check("network.pt", OTHER, location=tmp_path)
    stored = json.loads(pins.path.read_text())
    del stored[NAME]
    pins.path.write_text(json.dumps(stored))

    pins.check(NAME, OTHER, location=tmp_path)

    assert (pins.find(NAME), pins.find("network.pt")) == (OTHER, OTHER)


def test_what_a_later_release_adds_to_a_pin_is_passed_over(tmp_path):
    (tmp_path / "pins.json").write_text(json.dumps({NAME: {"sha256": "1", "bytes": 2}}))

    assert Pins(tmp_path).find(NAME) == Pin("1", None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"a": 1}',
        b'{"a": {}}',
        b'{"a": {"sha256": 1}}',
        b'{"a": {"sha256": "1", "commit": 2}}',
        b"[" * 100_000,
    ],
    ids=["empty", "cut", "text", "list", "pin", "bare", "hash", "commit", "deep"],
)
def test_a_damaged_record_is_refused_and_kept(tmp_path, content):
    (tmp_path / "pins.json").write_bytes(content)

    with pytest.raises(CheckpointMismatch, match=r"pins\.json, which says .* Delete it"):
        Pins(tmp_path).check(NAME, FIRST, location=tmp_path)

    assert (tmp_path / "pins.json").read_bytes() == content


def test_where_nothing_can_be_written_weights_are_taken_as_they_are(tmp_path, caplog):
    (tmp_path / "pins.json.lock").mkdir()

    Pins(tmp_path).check(NAME, FIRST, location=tmp_path)

    assert Pins(tmp_path).find(NAME) is None
    said = [record.message for record in caplog.records if record.name == "ml.weights.pins"]
    assert said == ["weights not recorded"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only_is_read(tmp_path):
    Pins(tmp_path).check(NAME, FIRST, location=tmp_path)
    tmp_path.chmod(0o500)
    try:
        Pins(tmp_path).check("network.pt", OTHER, location=tmp_path)
        with pytest.raises(CheckpointMismatch):
            Pins(tmp_path).check(NAME, OTHER, location=tmp_path)
    finally:
        tmp_path.chmod(0o700)

    assert Pins(tmp_path).find("network.pt") is None


def test_processes_that_write_at_once_lose_nothing_and_agree(tmp_path):
    program = (
        "import sys; from pathlib import Path; from ml.weights.pins import Pin, Pins\n"
        "pins, me = Pins(Path(sys.argv[1])), sys.argv[2]\n"
        "for turn in range(10): pins.keep(f'{me}-{turn}', Pin(sha256=me))\n"
        "print(pins.keep('shared', Pin(sha256=me)).sha256)"
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path), str(number)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
        for number in range(4)
    ]

    answers = {writer.communicate(timeout=60)[0].strip() for writer in writers}

    stored = json.loads((tmp_path / "pins.json").read_text())
    assert set(stored) == {
        "shared",
        *(f"{number}-{turn}" for number in range(4) for turn in range(10)),
    }
    assert answers == {stored["shared"]["sha256"]}


@pytest.mark.parametrize(
    ("revision", "is_one"),
    [("a" * 40, True), ("a" * 39, False), ("g" * 40, False), ("main", False), (None, False)],
)
def test_a_commit_is_told_from_a_branch(revision, is_one):
    assert is_commit(revision) is is_one
