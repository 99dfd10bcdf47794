"""`python -m ml`: which command the words name, and how it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ml.__main__ import main

ROOT = Path(__file__).resolve().parents[3]
COMMANDS = ("train", "inference", "evaluate", "calibrate", "bench")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        pytest.param(["--help"], 0, id="help"),
        pytest.param([], 2, id="nothing"),
        pytest.param(["paint"], 2, id="unknown"),
        pytest.param(["--mode", "paint"], 2, id="unknown mode"),
        pytest.param(["--mode"], 2, id="no mode"),
        pytest.param(["--data-path", "pictures"], 2, id="flags alone"),
    ],
)
def test_help_and_mistakes_name_every_command(words, status, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)

    said = capsys.readouterr()
    assert end.value.code == status
    for command in COMMANDS:
        assert command in (said.err if status else said.out)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "words",
    [
        pytest.param("{} --help", id="first word"),
        pytest.param("--mode {} --help", id="mode"),
        pytest.param("--help --mode={}", id="mode behind the flags"),
    ],
)
def test_a_command_is_the_first_word_or_what_mode_names(command, words, capsys):
    with pytest.raises(SystemExit) as end:
        main(words.format(command).split())

    said = capsys.readouterr().out
    assert end.value.code == 0
    assert said.split("[-h]")[0].split()[-1] == command


def test_what_follows_the_command_reaches_it_as_it_stands(tmp_path, capsys):
    status = main(["--data", str(tmp_path / "-- none"), "--mode", "bench", "--part=panels"])

    assert (status, capsys.readouterr().err) == (2, f"There is no folder {tmp_path}/-- none.\n")


def test_what_is_asked_or_mistaken_is_answered_without_torch():
    program = (
        "import sys\n"
        "from ml.__main__ import main\n"
        "wrong = ['train'], ['--mode', 'inference', '--paint'], ['bench', 'encoder']\n"
        "helps = ['--help'], ['train', '--help'], ['inference', '-h'], ['bench', '-h']\n"
        "for words in *wrong, *helps:\n"
        "    try: main(words)\n"
        "    except SystemExit as end: sys.stderr.write(f'ended {end.code}\\n')\n"
        "sys.exit('torch' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)

    ends = [line[-1] for line in done.stderr.splitlines() if line.startswith("ended ")]
    assert ends == [*"222", *"0000"]
    assert done.returncode == 0


def test_an_interrupted_command_says_so_and_ends_as_shells_expect(tmp_path):
    recipe = tmp_path / "recipe.json"
    os.mkfifo(recipe)
    words = ["--mode", "train", "--save-model-path", "run", "--recipe", str(recipe)]
    command = subprocess.Popen(
        [sys.executable, "-m", "ml", *words], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )

    writer = _opened_once_read(recipe, command)
    command.send_signal(signal.SIGINT)
    os.close(writer)  # a signal just before a read does not end it, the end of the file does
    _, said = command.communicate(timeout=60)

    assert (command.returncode, said) == (130, "Stopped.\n")


def _opened_once_read(fifo, reader):
    while reader.poll() is None:
        try:
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads it yet
            time.sleep(0.02)
    pytest.fail(f"It ended before it read {fifo.name}: {reader.communicate()}")
