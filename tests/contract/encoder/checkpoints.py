"""Small checkpoints of every family with random weights, saved as the real ones are."""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BlipConfig,
    BlipForImageTextRetrieval,
    BlipImageProcessor,
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPTokenizer,
    SiglipConfig,
    SiglipImageProcessor,
    SiglipModel,
)
from ultralytics import YOLO

from ml.encoders import checkpoint
from ml.encoders.families import fusion
from ml.encoders.families.fusion_network import FusionConfig
from ml.encoders.network import EncoderNetwork
from ml.weights import yolo as _yolo  # noqa: F401  # takes ultralytics' `open` out of Pillow again

SIDE_PX = 32
CLIP_DIM = 24
SIGLIP_DIM = 48
BLIP_SIDE_PX = 48
BLIP_DIM = 40
FUSION_DIM = 56
YOLO_SIDE_PX = 64
YOLO_DIM = 32

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


# 256 bytes, each within a word and at its end, and two special tokens.
_CLIP_TEXT = _TEXT | {
    "vocab_size": 514,
    "bos_token_id": 512,
    "eos_token_id": 513,
    "pad_token_id": 513,
    "max_position_embeddings": 24,
}
_SIGLIP_TEXT = _TEXT | {
    "eos_token_id": 1,
    "pad_token_id": 1,
    "projection_size": SIGLIP_DIM,
    "max_position_embeddings": 16,
}


def save_clip(folder: Path, *, seed: int = 1, **options: object) -> Path:
    """Save a CLIP that resizes the short side to 40 px and cuts 32 px out of the middle."""
    model = clip_model(seed=seed)
    model.save_pretrained(folder, **options)
    CLIPImageProcessor(
        size={"shortest_edge": SIDE_PX + 8}, crop_size={"height": SIDE_PX, "width": SIDE_PX}
    ).save_pretrained(folder)
    clip_tokenizer().save_pretrained(folder)
    return folder


def clip_tokenizer() -> CLIPTokenizer:
    """CLIP's own tokenizer, of bytes alone: no two of them are merged."""
    characters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*characters, *(f"{each}</w>" for each in characters)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={token: number for number, token in enumerate(tokens)}, merges=[])


def siglip_tokenizer() -> Tokenizer:
    """A tokenizer as SigLIP's: letters, and an end in each text."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    letters = [(letter, -3.0) for letter in "abcdefghijklmnopqrstuvwxyz.!"]
    tokenizer = Tokenizer(models.Unigram([*pieces, *letters], unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return tokenizer


def clip_model(*, seed: int = 1) -> CLIPModel:
    torch.manual_seed(seed)
    return CLIPModel(
        CLIPConfig(
            vision_config=dict(_VISION), text_config=dict(_CLIP_TEXT), projection_dim=CLIP_DIM
        )
    ).eval()


def save_siglip(folder: Path, *, seed: int = 1) -> Path:
    """Save a SigLIP that squashes pictures to 32 × 32 px."""
    torch.manual_seed(seed)
    config = SiglipConfig(vision_config=dict(_VISION), text_config=dict(_SIGLIP_TEXT))
    SiglipModel(config).eval().save_pretrained(folder)
    siglip_tokenizer().save(str(folder / "tokenizer.json"))
    special = {"pad_token": "</s>", "eos_token": "</s>", "unk_token": "<unk>"}
    options = {"tokenizer_class": "SiglipTokenizer", **special}
    (folder / "tokenizer_config.json").write_text(json.dumps(options))
    SiglipImageProcessor(size={"height": SIDE_PX, "width": SIDE_PX}).save_pretrained(folder)
    return folder


def save_blip(folder: Path, *, seed: int = 1) -> Path:
    """Save a BLIP that squashes pictures to 48 × 48 px and normalises them in its own way."""
    torch.manual_seed(seed)
    # Larger weights than usual: an untrained BLIP hardly tells one picture from another.
    vision = _VISION | {"hidden_size": BLIP_DIM, "image_size": BLIP_SIDE_PX}
    vision["initializer_range"] = 0.15
    config = BlipConfig(vision_config=vision, text_config=dict(_TEXT), image_text_hidden_size=16)
    BlipForImageTextRetrieval(config).eval().save_pretrained(folder)
    BlipImageProcessor(
        size={"height": BLIP_SIDE_PX, "width": BLIP_SIDE_PX},
        image_mean=[0.5, 0.4, 0.3],
        image_std=[0.25, 0.3, 0.2],
    ).save_pretrained(folder)
    return folder


def fusion_network(clip_folder: Path, blip_folder: Path, **options: object) -> EncoderNetwork:
    """A fusion as training begins with it."""
    sizes = {"dim": FUSION_DIM, "depth": 2, "width": 24, "heads": 3}
    return fusion.load_network(
        clip_weights=str(clip_folder),
        blip_weights=str(blip_folder),
        config=FusionConfig(**(sizes | options)),
    )


def save_fusion(
    folder: Path, clip_folder: Path, blip_folder: Path, **options: object
) -> EncoderNetwork:
    """Save a fusion whose new weights are all random, as after training."""
    network = fusion_network(clip_folder, blip_folder, **options)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, parameter in network.module.named_parameters():
            if name.startswith(("blocks.", "pools.")):
                parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return checkpoint.save(network, folder)


def save_yolo(path: Path, *, seed: int = 1, task: str = "detect", classes: int = 3) -> Path:
    """Save a detector, or a classifier, of five layers in ultralytics' own format."""
    torch.manual_seed(seed)
    head = [[-1, 1, "C2f", [128, True]]]
    head += [[[4], 1, "Detect", ["nc"]]] if task == "detect" else [[-1, 1, "Classify", ["nc"]]]
    strided = [[-1, 1, "Conv", [size, 3, 2]] for size in (16, 32, 64, 128)]
    layers = {"nc": classes, "depth_multiple": 0.33, "width_multiple": 0.25, "scale": "n"}
    config = path.with_suffix(".yaml")
    config.write_text(json.dumps(layers | {"backbone": strided, "head": head}))
    model = YOLO(config, task=task, verbose=False)
    model.model.args = {"imgsz": YOLO_SIDE_PX, "task": task}
    model.save(path)
    return path


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
