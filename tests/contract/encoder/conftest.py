import shutil
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ml.encoders import registry
from ml.encoders.base import Encoder
from ml.encoders.families import yolo
from tests.contract.encoder import naive
from tests.contract.encoder.checkpoints import (
    CLIP_DIM,
    FUSION_DIM,
    SIGLIP_DIM,
    YOLO_DIM,
    save_blip,
    save_clip,
    save_fusion,
    save_siglip,
    save_yolo,
)
from tests.contract.encoder.hub_server import REPO_ID, HubServer

CPU = torch.device("cpu")
# Every mode, and both ways to pool.
FUSIONS = {
    "fusion": {"mode": "fusion"},
    "fusion-mean": {"mode": "fusion", "pooling": "mean"},
    "concat": {"mode": "concat"},
    "clip-alone": {"mode": "clip"},
    "blip-alone": {"mode": "blip"},
}
SUBJECTS = ["efficientnet_lite", "semblance_lite", "clip", "siglip", "yolo", *FUSIONS]


@dataclass(frozen=True)
class Subject:
    """One encoder under the contract, and how the library underneath would do it."""

    choice: str
    dim: int
    naive: Callable[[Sequence[Image.Image]], np.ndarray]

    def load_as(self, dtype: torch.dtype) -> Encoder:
        """The encoder in a number format that is not the machine's own."""
        name, _, reference = self.choice.partition(":")
        network = (
            yolo.load_network(reference) if name == "yolo" else registry.load_network(self.choice)
        )
        return network.to_encoder(device=CPU, dtype=dtype, batch_size=3)


@pytest.fixture
def nobody_listens() -> str:
    """Address of a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory) -> Path:
    return save_clip(tmp_path_factory.mktemp("clip") / "small-clip")


@pytest.fixture(scope="session")
def siglip_folder(tmp_path_factory) -> Path:
    return save_siglip(tmp_path_factory.mktemp("siglip") / "small-siglip")


@pytest.fixture(scope="session")
def blip_folder(tmp_path_factory) -> Path:
    return save_blip(tmp_path_factory.mktemp("blip") / "small-blip")


@pytest.fixture(scope="session")
def yolo_file(tmp_path_factory) -> Path:
    return save_yolo(tmp_path_factory.mktemp("yolo") / "small.pt")


@pytest.fixture(scope="session", params=SUBJECTS)
def subject(request, tmp_path_factory) -> Subject:
    fixture = request.getfixturevalue
    if request.param in FUSIONS:
        return fusion_subject(
            tmp_path_factory.mktemp("fusion"),
            fixture("clip_folder"),
            fixture("blip_folder"),
            FUSIONS[request.param],
        )
    if request.param == "efficientnet_lite":
        return Subject("efficientnet_lite", 1280, naive.efficientnet)
    if request.param == "semblance_lite":
        return Subject("semblance_lite", 1280, naive.semblance_lite)
    if request.param == "clip":
        folder = fixture("clip_folder")
        return Subject(f"clip:{folder}", CLIP_DIM, naive.clip(folder))
    if request.param == "siglip":
        folder = fixture("siglip_folder")
        return Subject(f"clip:{folder}", SIGLIP_DIM, naive.siglip(folder))
    file = fixture("yolo_file")
    return Subject(f"yolo:{file}", YOLO_DIM, naive.yolo(file))


def fusion_subject(
    folder: Path, clip_folder: Path, blip_folder: Path, options: dict[str, str]
) -> Subject:
    save_fusion(folder, clip_folder, blip_folder, **options)
    return Subject(
        f"clip_blip_fusion:{folder}", FUSION_DIM, naive.fusion(folder, clip_folder, blip_folder)
    )


@pytest.fixture
def folder(clip_folder, tmp_path) -> Path:
    return Path(shutil.copytree(clip_folder, tmp_path / "served"))


@pytest.fixture
def server(folder):
    with HubServer(REPO_ID, folder).running() as running:
        yield running


@pytest.fixture
def cache(tmp_path) -> Path:
    return tmp_path / "cache"
