import numpy as np
import pytest
import torch
from PIL import Image

from ml.errors import NoPictures, OutputUnwritable
from ml.inference.embedding import embed_to_file
from tests.unit.ml.training.tiny import PREPROCESS, network, write_blocks


@pytest.fixture
def encoder():
    return network(weights_sha256="5" * 64).to_encoder(
        device=torch.device("cpu"), dtype=torch.float32, batch_size=4
    )


def test_a_folder_becomes_one_file(encoder, tmp_path, rng):
    # given: more pictures than are decoded at once, at two depths, and two that are none
    names = [f"{number:02}.png" for number in range(66)] + ["deep/er.png"]
    folder = write_blocks(tmp_path / "pictures", names, rng)
    (folder / "07b.png").write_text("no picture")
    (folder / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0")

    # when
    embedded = embed_to_file(folder, encoder, tmp_path / "new" / "out.npz")

    # then
    with np.load(tmp_path / "new" / "out.npz") as file:
        assert file["names"].tolist() == names
        assert file["shape"].tolist() == [67, 16]
        assert file["embeddings"].dtype == np.float32
        for name, row in zip(names, file["embeddings"], strict=True):
            with Image.open(folder / name) as image:
                assert row == pytest.approx(encoder.encode([image.convert("RGB")])[0], abs=1e-5)
        assert (file["encoder"].item(), file["weights"].item()) == ("tiny", "random")
        assert file["weights_sha256"].item() == "5" * 64
        assert file["preprocessing_sha256"].item() == PREPROCESS.sha256()
    assert [file.name for file in embedded.left_out] == ["07b.png", "cut.jpg"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out.npz"]


def test_another_suffix_is_kept(encoder, tmp_path, rng):
    folder = write_blocks(tmp_path / "pictures", ["a.png"], rng)

    embed_to_file(folder, encoder, tmp_path / "out.embeddings")

    assert (tmp_path / "out.embeddings").is_file()


@pytest.mark.parametrize("files", [[], ["broken.png"]], ids=["empty", "broken"])
def test_a_folder_without_pictures_leaves_the_old_file(files, encoder, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in files:
        (folder / name).write_text("no picture")
    (tmp_path / "out.npz").write_text("old")

    with pytest.raises(NoPictures):
        embed_to_file(folder, encoder, tmp_path / "out.npz")

    assert (tmp_path / "out.npz").read_text() == "old"


def test_a_place_that_cannot_be_written_is_said_before_the_work(encoder, tmp_path, rng):
    folder = write_blocks(tmp_path / "pictures", ["a.png"], rng)

    with pytest.raises(OutputUnwritable):
        embed_to_file(folder, encoder, folder / "a.png" / "out.npz")
