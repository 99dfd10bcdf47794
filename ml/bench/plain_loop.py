"""A plain loop over the library that an encoder's network comes from.

It takes one picture at a time: the library's own preprocessing, then its own forward pass.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from PIL import Image

from ml import devices
from ml.bench.encoder import Embed
from ml.encoders import registry
from ml.encoders.base import PreprocessConfig
from ml.encoders.network import EncoderNetwork


def plain_loop(choice: str, *, device: torch.device) -> Embed:
    """Return the loop over the library underneath; it gives (N, D) embeddings of any length.

    Args:
        choice: as `ml.encoders.registry.load` takes it.
        device: where it runs.

    Raises:
        MlError: as `ml.encoders.registry.load`.
    """
    if choice.partition(":")[0] == "yolo":
        return _plain_yolo(choice.partition(":")[2], device)
    network = registry.load_network(choice)
    dtype = registry.number_format(choice, network, device)
    prepare = _preparation(network)
    module = network.module.eval().to(device, dtype)

    def embed(images: Sequence[Image.Image]) -> torch.Tensor:
        with torch.inference_mode():
            return torch.cat([module(prepare(image).to(device, dtype)).cpu() for image in images])

    return embed


def _plain_yolo(reference: str, device: torch.device) -> Embed:
    from ml.encoders.families import yolo
    from ml.weights import yolo as yolo_weights

    size_px = yolo.load_network(reference).preprocess.size_px  # refuses what is not safe to load
    from ultralytics.models.yolo.model import YOLO

    model: Any = YOLO(yolo_weights.locate(reference))
    options = {"imgsz": size_px, "rect": False, "verbose": False, "device": device}
    if devices.dtype_for(device) == torch.float16:
        options["quantize"] = 16

    def embed(images: Sequence[Image.Image]) -> torch.Tensor:
        return torch.stack([model.embed([image], **options)[0].cpu() for image in images])

    return embed


def _preparation(network: EncoderNetwork) -> Callable[[Image.Image], torch.Tensor]:
    """Return the library's own way from a picture to (1, 3, S, S)."""
    if network.family == "efficientnet_lite":
        return _timm_transform(network.preprocess)
    return _transformers_processor(network.preprocess)


def _timm_transform(preprocess: PreprocessConfig) -> Callable[[Image.Image], torch.Tensor]:
    from timm.data.transforms_factory import create_transform

    transform: Any = create_transform(
        input_size=(3, preprocess.size_px, preprocess.size_px),
        interpolation=preprocess.interpolation,
        mean=preprocess.mean,
        std=preprocess.std,
        crop_pct=preprocess.size_px / preprocess.resize_px,
        crop_mode="squash" if preprocess.resize == "squash" else "center",
    )
    return lambda image: transform(image)[None]


def _transformers_processor(preprocess: PreprocessConfig) -> Callable[[Image.Image], torch.Tensor]:
    from transformers import CLIPImageProcessor

    square = {"height": preprocess.size_px, "width": preprocess.size_px}
    is_squashed = preprocess.resize == "squash"
    resample = Image.Resampling[preprocess.interpolation.upper()]
    processor: Any = CLIPImageProcessor(
        size=square if is_squashed else {"shortest_edge": preprocess.resize_px},
        do_center_crop=not is_squashed,
        crop_size=square,
        resample=resample,
        image_mean=list(preprocess.mean),
        image_std=list(preprocess.std),
    )
    return lambda image: processor(images=image, return_tensors="pt")["pixel_values"]
