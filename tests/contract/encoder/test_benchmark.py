import re

import numpy as np
import pytest
import torch

from ml.encoders import benchmark, registry
from ml.encoders.benchmark import Timing
from ml.errors import NoPictures
from tests.contract.encoder.checkpoints import pictures

CPU = torch.device("cpu")


@pytest.fixture
def folder(tmp_path):
    for number, image in enumerate(pictures(3)):
        image.save(tmp_path / f"{number}.png")
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
    return tmp_path


class Steps:
    """A clock that the timed work itself moves on."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def work(self, *seconds: float):
        left = list(seconds)

        def embed(_images) -> None:
            self.now_s += left.pop(0)

        return embed


def test_both_ways_take_turns_and_the_first_pass_does_not_count():
    clock = Steps()
    encode, plain = clock.work(100.0, 1.0, 2.0, 4.0), clock.work(100.0, 4.0, 4.0, 4.0)

    timing = benchmark.measure(encode, plain, pictures(8), rounds=3, clock=clock)

    # Per round the plain loop takes 4, 2 and 1 times as long.
    assert timing == Timing(encoder_per_s=4.0, plain_per_s=2.0, ratio=2.0)


def test_the_plain_loop_embeds_the_same(subject):
    images = [image.resize((96, 64)) for image in pictures(4)]
    encoder = registry.load(subject.choice, device="cpu", batch_size=4)

    rows = benchmark.plain_loop(subject.choice, device=CPU)(images).float()
    rows = (rows / rows.norm(dim=1, keepdim=True)).numpy()

    cosines = (rows * encoder.encode(images)).sum(axis=1)
    assert cosines == pytest.approx(np.ones(4), abs=2e-3)


def test_the_command_prints_what_it_measured(folder, clip_folder, capsys):
    argv = ["--encoder", f"clip:{clip_folder}", "--data", str(folder), "--device", "cpu"]

    status = benchmark.main([*argv, "--count", "5", "--batch-size", "2", "--rounds", "2"])

    printed = capsys.readouterr().out
    assert f"clip:{clip_folder}: 5 pictures, batches of 2, median of 2 rounds" in printed
    ratio = float(re.search(r"ratio +([\d.]+)\n", printed)[1])
    assert status == (0 if ratio >= 0.9 else 1)
    assert len(re.findall(r"\d pictures/s", printed)) == 2


def test_a_folder_without_pictures_is_said_so(tmp_path, clip_folder):
    (tmp_path / "notes.txt").write_text("no picture")

    with pytest.raises(NoPictures, match="no picture in") as error:
        benchmark.main(["--encoder", f"clip:{clip_folder}", "--data", str(tmp_path)])

    assert error.value.code == "ml:no-pictures"


@pytest.mark.parametrize("flag", ["--count", "--batch-size", "--rounds"])
def test_numbers_are_at_least_one(flag, capsys):
    with pytest.raises(SystemExit) as error:
        benchmark.main(["--encoder", "clip", "--data", ".", flag, "0"])

    assert error.value.code == 2
    assert f"{flag}: 0 is not at least 1" in capsys.readouterr().err


def test_a_detector_is_timed_without_its_first_pass():
    clock = Steps()

    taken = benchmark.seconds_of(clock.work(100.0, 1.0, 4.0), pictures(2), rounds=2, clock=clock)

    assert taken == [1.0, 4.0]


def test_the_command_times_a_detector(folder, capsys):
    flags = ["--detector", "none", "--data", str(folder), "--count", "4", "--batch-size", "2"]

    assert benchmark.main([*flags, "--rounds", "3"]) == 0

    printed = capsys.readouterr().out
    assert printed.startswith("none: 4 pictures, batches of 2, median of 3 rounds\ndetector ")
    assert re.search(r" [0-9]+\.[0-9] ms a picture\n$", printed)


@pytest.mark.parametrize("flags", [[], ["--detector", "none", "--encoder", "clip"]])
def test_one_thing_is_timed_at_a_time(folder, flags):
    with pytest.raises(SystemExit):
        benchmark.main([*flags, "--data", str(folder)])
