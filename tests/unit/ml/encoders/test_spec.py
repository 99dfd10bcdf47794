import hashlib
from dataclasses import replace

import pytest

from ml.encoders.base import PreprocessConfig

CONFIG = PreprocessConfig(
    size_px=224,
    resize="shortest_side",
    resize_px=256,
    interpolation="bicubic",
    mean=(0.5, 0.25, 0.125),
    std=(1.0, 2.0, 3.0),
)


def test_the_hash_is_that_of_the_canonical_json():
    canonical = (
        '{"interpolation":"bicubic","mean":[0.5,0.25,0.125],"resize":"shortest_side",'
        '"resize_px":256,"size_px":224,"std":[1.0,2.0,3.0]}'
    )

    assert CONFIG.sha256() == hashlib.sha256(canonical.encode()).hexdigest()
    # Written out: stored hashes must stay comparable from release to release.
    assert CONFIG.sha256()[:16] == "532ef20efacf4f7c"


@pytest.mark.parametrize(
    "change",
    [
        {"size_px": 225},
        {"resize": "squash"},
        {"resize_px": 224},
        {"interpolation": "bilinear"},
        {"mean": (0.5, 0.25, 0.126)},
        {"std": (1.0, 2.0, 3.1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_value_counts(change):
    assert replace(CONFIG, **change).sha256() != CONFIG.sha256()


def test_a_config_survives_json():
    values = {
        "size_px": 224,
        "resize": "shortest_side",
        "resize_px": 256,
        "interpolation": "bicubic",
        "mean": [0.5, 0.25, 0.125],
        "std": [1.0, 2.0, 3.0],
    }

    assert PreprocessConfig.from_json(values) == CONFIG
