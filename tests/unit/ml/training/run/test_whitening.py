import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from ml.encoders import checkpoint, whitening
from ml.encoders.whitening import Whitening
from ml.training.trainer import train
from tests.unit.ml.training.tiny import PLAIN_VIEWS, Log, TinyNet, encoder_of, network, recipe

PLAIN = {name.replace(".", "__"): value for name, value in PLAIN_VIEWS.items()}
NAMES = [f"{subject}/{number}.png" for subject in "abcd" for number in "123"]


@pytest.fixture
def colours(tmp_path, rng):
    """Three pictures of each of four subjects; any crop of one colour is that colour."""
    for name in NAMES:
        path = tmp_path / "colours" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), tuple(rng.integers(0, 256, 3).tolist())).save(path)
    return tmp_path / "colours"


def test_the_saved_whitening_fits_the_saved_weights(colours, tmp_path):
    # given: one batch, which holds every picture once
    config = recipe(
        colours,
        data__kind="folder",
        data__held_out_share=0,
        steps=2,
        batch__subjects=4,
        batch__views=3,
        views__size_px=24,
        whitening__views=12,
        whitening__ridge=2.0,
        optimiser__lr=0.01,
        optimiser__ema_decay=0.9,
        **PLAIN,
    )

    # when
    train(config, network(), tmp_path / "run")

    # then
    saved = checkpoint.load(tmp_path / "run", build=lambda _: TinyNet())
    images = [Image.open(colours / name).convert("RGB") for name in NAMES]
    plain = dataclasses.replace(saved, whitening=None)
    rows = torch.from_numpy(encoder_of(plain).encode(images))
    expected = whitening.fit(rows, torch.arange(4).repeat_interleave(3), ridge=2.0)
    assert torch.allclose(saved.whitening.centre, expected.centre, atol=1e-4)
    assert torch.allclose(saved.whitening.projection, expected.projection, atol=1e-3)
    # and: it is not the one that training began with
    begun = dict(torch.load(tmp_path / "run" / "state.pt")["module"])["whitening.centre"]
    assert not torch.allclose(begun, saved.whitening.centre, atol=1e-3)


@pytest.mark.parametrize("views", [None, 12], ids=["none is fitted", "fitted"])
def test_what_holds_on_to_the_start_sees_it_as_the_losses_see_views(views, colours, tmp_path):
    # given: every view is its picture, and the network has no dropout
    start, log = network(), Log()
    start.module.drop.p = 0.0
    config = recipe(
        colours,
        data__kind="folder",
        data__held_out_share=0,
        steps=1,
        batch__subjects=4,
        batch__views=3,
        whitening__views=views,
        loss__anchor_photo_weight=1.0,
        **PLAIN,
    )

    # when
    train(config, start, tmp_path / "run", open_trackers=lambda total: [log])

    # then: each view lies where the untouched network puts its picture
    assert log.curve("anchor") == [pytest.approx(0.0, abs=1e-6)]
    assert log.curve("loss") != [pytest.approx(0.0, abs=1e-2)]


def test_an_encoder_keeps_its_whitening_where_none_is_fitted(pictures, tmp_path, rng):
    # given: an encoder with one, and a rate at which nothing moves
    turn, _ = np.linalg.qr(rng.normal(size=(16, 16)))
    begun = Whitening(torch.full((16,), 0.1), torch.from_numpy(turn))
    start = dataclasses.replace(network(), whitening=begun)
    config = recipe(pictures, steps=1, batch__subjects=4, optimiser__lr=1e-9)

    result = train(config, start, tmp_path / "run")

    saved = checkpoint.load(tmp_path / "run", build=lambda _: TinyNet())
    assert torch.equal(saved.whitening.centre, begun.centre)
    assert torch.equal(saved.whitening.projection, begun.projection)
    assert result.start == pytest.approx(result.best, abs=1e-6)
