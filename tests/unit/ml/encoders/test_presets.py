import pytest

from ml.encoders import presets
from ml.encoders.base import PreprocessConfig

OPENAI_MEAN, OPENAI_STD = (
    (0.48145466, 0.4578275, 0.40821073),
    (0.26862954, 0.26130258, 0.27577711),
)


def test_the_default_comes_first():
    assert presets.list_names() == ("openai_vit_b32", "laion2b_vit_b32", "siglip_base")


@pytest.mark.parametrize(
    ("name", "hub_id"),
    [
        ("openai_vit_b32", "openai/clip-vit-base-patch32"),
        ("laion2b_vit_b32", "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"),
    ],
)
def test_a_clip_cuts_the_middle_out(name, hub_id):
    assert presets.read(name) == presets.Preset(
        name=name,
        hub_id=hub_id,
        revision="main",
        dtype="auto",
        preprocess=PreprocessConfig(224, "shortest_side", 224, "bicubic", OPENAI_MEAN, OPENAI_STD),
    )


def test_siglip_squashes():
    preset = presets.read("siglip_base")

    assert preset.hub_id == "google/siglip-base-patch16-224"
    assert preset.preprocess == PreprocessConfig(
        224, "squash", 224, "bicubic", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
    )


@pytest.mark.parametrize(
    ("revision", "reference"), [("main", "some/clip"), ("abc123", "some/clip@abc123")]
)
def test_a_revision_stands_behind_the_hub_id(revision, reference):
    preset = presets.read("openai_vit_b32")
    other = presets.Preset("mine", "some/clip", revision, "auto", preset.preprocess)

    assert other.reference == reference
