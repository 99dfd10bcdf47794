"""Small CLIP and SigLIP checkpoints with random weights, saved as the real ones are."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    SiglipConfig,
    SiglipImageProcessor,
    SiglipModel,
)

SIDE_PX = 32
CLIP_DIM = 24
SIGLIP_DIM = 48

_VISION = {
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "image_size": SIDE_PX,
    "patch_size": 8,
}
_TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "vocab_size": 64,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}


def save_clip(folder: Path, *, seed: int = 1, **options: object) -> Path:
    """Save a CLIP that resizes the short side to 40 px and cuts 32 px out of the middle."""
    model = clip_model(seed=seed)
    model.save_pretrained(folder, **options)
    CLIPImageProcessor(
        size={"shortest_edge": SIDE_PX + 8}, crop_size={"height": SIDE_PX, "width": SIDE_PX}
    ).save_pretrained(folder)
    return folder


def clip_model(*, seed: int = 1) -> CLIPModel:
    torch.manual_seed(seed)
    return CLIPModel(
        CLIPConfig(vision_config=dict(_VISION), text_config=dict(_TEXT), projection_dim=CLIP_DIM)
    ).eval()


def save_siglip(folder: Path, *, seed: int = 1) -> Path:
    """Save a SigLIP that squashes pictures to 32 × 32 px."""
    torch.manual_seed(seed)
    config = SiglipConfig(vision_config=dict(_VISION), text_config=dict(_TEXT))
    SiglipModel(config).eval().save_pretrained(folder)
    SiglipImageProcessor(size={"height": SIDE_PX, "width": SIDE_PX}).save_pretrained(folder)
    return folder


def pictures(count: int) -> list[Image.Image]:
    """Smooth pictures in many colours and shapes, among them one of 1 px and very long ones."""
    generator = np.random.default_rng(3)
    sizes = [(80, 60), (1, 1), (45, 90), (700, 5), (33, 32), (64, 64), (3, 400), (120, 31)]
    made = []
    for number in range(count):
        few = generator.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        size = sizes[number % len(sizes)]
        made.append(Image.fromarray(few).resize(size, Image.Resampling.BICUBIC))
    return made
