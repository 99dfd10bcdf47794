"""From files on disk to an answer: load, train where it trains, save, load, embed, search."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid5

import numpy as np
import pytest
import torch
from PIL import Image

from ml.encoders import registry
from ml.encoders.base import Encoder
from ml.encoders.network import EncoderNetwork
from ml.training.recipe import read
from ml.training.trainer import TrainingResult, train
from tests.contract.encoder.checkpoints import fusion_network
from tests.unit.ml.training.tiny import PLAIN_VIEWS, write_blocks
from vectors.faiss import FaissIndex
from vectors.index import CollectionSpec, Payload, Point

NAMES = [f"{number:02}.png" for number in range(32)]
NAMESPACE = UUID(int=7)
CPU = torch.device("cpu")


@pytest.fixture
def photos(tmp_path) -> Path:
    return write_blocks(tmp_path / "photos", NAMES, np.random.default_rng(11))


def trained(
    network: EncoderNetwork, photos: Path, folder: Path, **values: object
) -> TrainingResult:
    fixed = {
        "data.path": str(photos),
        "data.kind": "made",
        "data.held_out_share": 0.0,
        "device": "cpu",
        "precision": "fp32",
        "batch.subjects": 16,
    }
    return train(read(None, fixed | values), network, folder)


def opened(photos: Path) -> list[Image.Image]:
    return [Image.open(photos / name).convert("RGB") for name in NAMES]


def found_first(encoder: Encoder, gallery: list[Image.Image], queries: list[Image.Image]) -> float:
    """Put pictures into an index and search it with as many, in the same order: recall@1."""
    index = FaissIndex(CollectionSpec(name="regions", dim=encoder.spec.dim))
    index.ensure()
    index.upsert([point(*one) for one in zip(NAMES, encoder.encode(gallery), strict=False)])
    answers = index.search(encoder.encode(queries), k=1)
    return float(
        np.mean(
            [
                hits[0].point_id == uuid5(NAMESPACE, name)
                for hits, name in zip(answers, NAMES, strict=False)
            ]
        )
    )


def point(name: str, row: np.ndarray) -> Point:
    identity = uuid5(NAMESPACE, name)
    return Point(
        id=identity,
        embedding=row,
        payload=Payload(
            image_id=identity,
            kind="whole",
            labels=(),
            medium="photo",
            tags=(),
            albums=(),
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
        ),
    )


@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_clip_goes_the_whole_way(request, tmp_path, photos, family):
    start = registry.load_network(f"clip:{request.getfixturevalue(f'{family}_folder')}")

    result = trained(start, photos, tmp_path / "run", epochs=1)

    encoder = registry.load(str(tmp_path / "run"), device="cpu")
    assert (result.steps, encoder.spec.name, encoder.spec.weights) == (2, "clip", "run")
    pictures = opened(photos)
    assert found_first(encoder, pictures, pictures) == 1.0


def test_a_small_fusion_learns_32_pictures_by_heart(tmp_path, clip_folder, blip_folder):
    # given: 16 subjects of two pictures that have nothing in common but their folder
    names = [f"{number // 2:02}/{number % 2}.png" for number in range(32)]
    folder = write_blocks(tmp_path / "pairs", names, np.random.default_rng(12))
    firsts, seconds = ([Image.open(folder / n) for n in names[turn::2]] for turn in (0, 1))
    start = fusion_network(clip_folder, blip_folder)
    untouched = start.to_encoder(device=CPU, dtype=torch.float32, batch_size=16)
    assert found_first(untouched, firsts, seconds) < 0.3

    # when
    trained(
        fusion_network(clip_folder, blip_folder),
        folder,
        tmp_path / "run",
        **PLAIN_VIEWS | {"data.kind": "folder", "steps": 80, "optimiser.lr": 3e-3},
    )

    # then
    encoder = registry.load(f"clip_blip_fusion:{tmp_path / 'run'}", device="cpu")
    assert found_first(encoder, firsts, seconds) == 1.0
    assert found_first(encoder, seconds, firsts) == 1.0


def test_fusion_trains_an_epoch_from_its_two_towers(tmp_path, photos, clip_folder, blip_folder):
    start = fusion_network(clip_folder, blip_folder)

    result = trained(start, photos, tmp_path / "run", epochs=1)

    encoder = registry.load(str(tmp_path / "run"), device="cpu")
    assert (result.steps, encoder.spec.name) == (2, "clip_blip_fusion")
    assert encoder.encode(opened(photos)).shape == (32, encoder.spec.dim)


def test_yolo_goes_from_its_file_to_an_answer(photos, yolo_file):
    encoder = registry.load(f"yolo:{yolo_file}", device="cpu")

    pictures = opened(photos)
    assert found_first(encoder, pictures, pictures) == 1.0
