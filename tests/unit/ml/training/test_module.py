import copy

import pytest
import torch

from ml.encoders.whitening import Whitening
from ml.errors import InvalidTrainingConfig
from ml.training.config import LossConfig, StyleConfig, TuneConfig
from ml.training.losses import Batch, CombinedLoss
from ml.training.module import (
    TrainingModule,
    merged,
    parameter_groups,
    set_training_mode,
    tuned,
)
from tests.unit.ml.training.tiny import PREPROCESS, SIDE_PX, TinyNet


@pytest.fixture
def net():
    torch.manual_seed(4)
    return TinyNet()


@pytest.fixture
def inputs():
    return torch.rand((3, 3, SIDE_PX, SIDE_PX), generator=torch.Generator().manual_seed(5))


def moving(module):
    return sorted(name for name, p in module.named_parameters() if p.requires_grad)


@pytest.fixture
def pixels():
    return torch.randint(0, 256, (4, SIDE_PX, SIDE_PX, 3), dtype=torch.uint8)


@pytest.fixture
def batch():
    labels = torch.tensor([0, 0, 1, 1])
    return Batch(labels, labels * 0, labels > 1, labels)


def test_losses_are_of_unit_rows_behind_the_whitening(net, pixels, batch):
    torch.manual_seed(1)
    whitening = Whitening(torch.rand(16), torch.rand(16, 16))
    loss = CombinedLoss(LossConfig(), None)
    module = TrainingModule(net, loss, PREPROCESS, whitening=whitening).eval()

    found = module(pixels, batch)

    inputs = (pixels.permute(0, 3, 1, 2) / 255 - 0.5) / 0.25
    rows = whitening(net(inputs))
    expected = loss(rows / rows.norm(dim=1, keepdim=True), batch)
    assert found["loss"].item() == pytest.approx(expected["loss"].item(), rel=1e-4)
    bare = TrainingModule(net, loss, PREPROCESS).eval()(pixels, batch)
    assert found["loss"].item() != pytest.approx(bare["loss"].item(), rel=1e-2)


def test_styles_are_mixed_in_training_alone(net, pixels, batch):
    style = StyleConfig(layers=("stem", "s*m"), probability=1.0)
    loss = CombinedLoss(LossConfig(), None)
    plain = TrainingModule(net, loss, PREPROCESS).eval()
    mixing = TrainingModule(net, loss, PREPROCESS, style=style).eval()

    assert torch.equal(mixing.embed(pixels), plain.embed(pixels))
    torch.manual_seed(0)
    expected = loss(mixing.embed_mixed(pixels), batch)["loss"]
    torch.manual_seed(0)
    assert mixing(pixels, batch)["loss"].item() == expected.item()
    assert expected.item() != pytest.approx(plain(pixels, batch)["loss"].item(), rel=1e-4)
    # and: a layer that two patterns fit mixes once
    assert len(mixing._mixing) == 1


def test_everything_moves_by_default(net):
    assert moving(tuned(net, TuneConfig())) == [
        "head.bias",
        "head.weight",
        "norm.bias",
        "norm.weight",
        "stem.bias",
        "stem.weight",
    ]


def test_patterns_freeze(net):
    assert moving(tuned(net, TuneConfig(freeze=("stem.*", "norm.bias")))) == [
        "head.bias",
        "head.weight",
        "norm.weight",
    ]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        pytest.param(TuneConfig(freeze=("tail.*",)), "tail", id="pattern without a parameter"),
        pytest.param(TuneConfig(freeze=("*",)), "nothing is left to train", id="all frozen"),
        pytest.param(
            TuneConfig(lora_rank=2, lora_targets=("tail",)), "tail", id="target without a layer"
        ),
        pytest.param(TuneConfig(lora_rank=2, lora_targets=("norm",)), "norm", id="no LoRA there"),
    ],
)
def test_what_cannot_be_tuned_is_refused(config, reason, net):
    with pytest.raises(InvalidTrainingConfig, match=reason):
        tuned(net, config)


def test_lora_trains_its_own_parameters_and_those_that_are_named(net):
    config = TuneConfig(lora_rank=2, lora_targets=("head",), lora_also_train=("norm.*",))

    names = moving(tuned(net, config))

    assert [name.replace("base_model.model.", "") for name in names] == [
        "head.lora_A.default.weight",
        "head.lora_B.default.weight",
        "norm.bias",
        "norm.weight",
    ]


def test_merged_lora_computes_the_same_with_the_original_names(net, inputs):
    # given: LoRA on a convolution and a matrix, moved away from its start at zero
    names = sorted(net.state_dict())
    original = copy.deepcopy(net)
    module = tuned(net, TuneConfig(lora_rank=2, lora_targets=("head", "stem")))
    generator = torch.Generator().manual_seed(6)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
    module.eval()
    expected = module(inputs)

    served = merged(module).eval()

    assert sorted(served.state_dict()) == names
    precision = 1e-4 * expected.abs().max().item()
    assert torch.allclose(served(inputs), expected, rtol=0, atol=precision)
    assert not torch.allclose(original.eval()(inputs), expected, rtol=0, atol=100 * precision)
    assert torch.equal(module(inputs), expected)  # the trained one is untouched


@pytest.mark.parametrize("is_frozen", [True, False], ids=["frozen", "free"])
def test_batch_norm_statistics_stay_only_where_they_are_frozen(is_frozen, net, inputs):
    before = net.norm.running_mean.clone()
    net.eval()

    set_training_mode(net, is_batch_norm_frozen=is_frozen)
    net(inputs)

    assert torch.equal(net.norm.running_mean, before) == is_frozen
    assert net.drop.training


def test_only_matrices_and_kernels_decay(net):
    module = tuned(net, TuneConfig(freeze=("stem.weight",)))

    decaying, others = parameter_groups(module, 0.25)

    assert (decaying["weight_decay"], others["weight_decay"]) == (0.25, 0.0)
    assert [p is net.head.weight for p in decaying["params"]] == [True]
    assert len(others["params"]) == 4
