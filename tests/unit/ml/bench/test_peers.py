"""The peers' own libraries are not installed for the tests: stand-ins have their interfaces."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch

from ml.bench.command import main
from ml.bench.peers import PeersNotInstalled
from ml.errors import NoPictures
from tests.unit.ml.bench.clocks import Durations


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """imagededup and open_clip as far as they are used, and what they were given."""
    seen = SimpleNamespace(hashed=[], embedded=[], unreadable=0)

    class PHash:
        def __init__(self, verbose: bool) -> None:
            assert not verbose

        def encode_images(self, image_dir: str) -> dict[str, str]:
            files = sorted(Path(image_dir).iterdir())
            seen.hashed.append([file.resolve().name for file in files])
            return {file.name: "0" * 16 for file in files[seen.unreadable :]}

    class Network(torch.nn.Module):
        def encode_image(self, images: torch.Tensor) -> torch.Tensor:
            assert not self.training
            assert not torch.is_grad_enabled()
            seen.embedded.append(len(images))
            return images

    def create(name: str, *, pretrained: None) -> tuple[Network, None, object]:
        assert (name, pretrained) == ("ViT-B-32", None)
        return Network(), None, lambda image: torch.zeros(3, 2, 2)

    modules = {
        "imagededup": {},
        "imagededup.methods": {"PHash": PHash},
        "open_clip": {"create_model_and_transforms": create},
    }
    for name, contents in modules.items():
        module = ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)
    return seen


def test_they_are_timed_in_turns_on_the_same_pictures(folder, peers, capsys) -> None:
    (folder / "broken.jpg").unlink()
    (folder / "2.png").write_bytes((folder / "0.png").read_bytes())
    argv = ["peers", "--data", str(folder), "--batch-size", "2", "--rounds", "3"]

    assert main(argv, clock=Durations(1.0, 8.0, 0.5, 4.0, 1.0, 2.0)) == 0

    assert peers.hashed == [["0.png", "1.png", "2.png"]] * 4
    assert peers.embedded == [2, 1] * 4
    # Medians of 1.0, 0.5 and 1.0 s, and of 8, 4 and 2 s.
    assert capsys.readouterr().out == (
        "imagededup PHash         3.0 pictures/s\nopen_clip ViT-B-32       0.8 pictures/s\n"
    )


def test_a_count_takes_the_first(folder, peers, capsys) -> None:
    main(["peers", "--data", str(folder), "--count", "1", "--rounds", "1"])

    assert peers.hashed == [["0.png"]] * 2
    assert peers.embedded == [1, 1]


def test_what_is_missing_is_named_and_how_to_install_it(folder, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "imagededup", None)

    with pytest.raises(PeersNotInstalled, match="--target FOLDER imagededup") as raised:
        main(["peers", "--data", str(folder)])

    assert str(raised.value).startswith("imagededup")


def test_a_picture_that_they_cannot_read_is_said(folder, peers) -> None:
    argv = ["peers", "--data", str(folder), "--rounds", "1"]
    with pytest.raises(NoPictures, match=r"broken\.jpg cannot be read"):
        main(argv)

    peers.unreadable = 1
    with pytest.raises(NoPictures, match="imagededup could not read 1 of the pictures"):
        main(argv)
