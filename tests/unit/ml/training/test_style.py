import numpy as np
import pytest
import torch
from torch import nn

from ml.errors import InvalidTrainingConfig
from ml.training import style
from ml.training.style import mixed, mixed_styles


def statistics(features):
    return features.mean(dim=(2, 3)), features.std(dim=(2, 3))


@pytest.fixture
def features():
    torch.manual_seed(0)
    scales = torch.tensor([1.0, 4.0, 9.0]).view(3, 1, 1, 1)
    return torch.randn(3, 2, 5, 7) * scales + 10 * scales


def test_a_picture_gets_part_of_another_s_statistics_and_keeps_its_pattern(features, monkeypatch):
    part = torch.tensor([0.25, 0.5, 1.0]).view(3, 1, 1, 1)
    monkeypatch.setattr(torch.distributions.Beta, "sample", lambda self, shape: part)
    monkeypatch.setattr(torch, "randperm", lambda count: torch.tensor([1, 2, 0]))

    after = mixed(features)

    means, deviations = statistics(features)
    new_means, new_deviations = statistics(after)
    for picture, other in enumerate([1, 2, 0]):
        own = part[picture].item()
        for channel in range(2):
            expected = own * means[picture, channel] + (1 - own) * means[other, channel]
            assert new_means[picture, channel].item() == pytest.approx(expected.item(), rel=1e-4)
            expected = own * deviations[picture, channel] + (1 - own) * deviations[other, channel]
            assert new_deviations[picture, channel].item() == pytest.approx(
                expected.item(), rel=1e-4
            )
            pattern = np.corrcoef(
                features[picture, channel].ravel(), after[picture, channel].ravel()
            )
            assert pattern[0, 1] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("side_px", [1, 2])
def test_flat_features_stay_finite(side_px):
    assert torch.isfinite(mixed(torch.ones(4, 3, side_px, side_px))).all()


def test_half_precision_does_not_overflow():
    features = (torch.randn(4, 3, 8, 8) * 1000).half()

    after = mixed(features)

    assert after.dtype == torch.float16
    assert torch.isfinite(after).all()


@pytest.mark.parametrize(("probability", "calls"), [(0.0, 0), (1.0, 2), (0.5, 1)])
def test_each_layer_mixes_by_chance_and_only_inside(probability, calls, features, monkeypatch):
    # given: chances of .3 and .8, and a mixing that can be seen
    chances = iter([0.3, 0.8])
    monkeypatch.setattr(torch, "rand", lambda shape: torch.tensor(next(chances)))
    monkeypatch.setattr(style, "mixed", lambda features: features + 100)
    network = nn.Sequential(nn.Identity(), nn.Identity())

    with mixed_styles([network[0], network[1]], probability):
        inside = network(features)

    assert torch.allclose(inside, features + 100 * calls)
    assert torch.equal(network(features), features)


def test_no_layers_are_no_mixing(features):
    with mixed_styles([], 1.0):
        assert torch.equal(nn.Identity()(features), features)


def test_a_layer_without_feature_maps_is_refused():
    layer = nn.Linear(3, 3)

    with (
        pytest.raises(InvalidTrainingConfig, match="Linear returns none"),
        mixed_styles([layer], 1.0),
    ):
        layer(torch.zeros(2, 3))
    assert layer(torch.zeros(2, 3)).shape == (2, 3)
