import pytest
import torch
from PIL import Image

from ml.encoders import checkpoint
from ml.encoders.whitening import Whitening
from ml.training.config import LossConfig, OptimiserConfig, TuneConfig
from ml.training.data.pictures import open_split
from ml.training.held_out import HeldOut
from ml.training.losses import CombinedLoss
from ml.training.module import TrainingModule, tuned
from ml.training.run.served_weights import AveragedWeights, ServedWeights, StartingWeights
from ml.training.trainer import train
from tests.unit.ml.training.tiny import (
    PREPROCESS,
    TinyNet,
    assert_equal_weights,
    encoder_of,
    network,
    recipe,
    saved_weights,
)


@pytest.fixture
def net():
    torch.manual_seed(4)
    return TinyNet()


def shift(module):
    """Move every weight by a step of its own."""
    generator = torch.Generator().manual_seed(8)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator))


class Guard:
    """Lets all weights pass."""

    def check_weights(self, module):
        pass


def test_averages_follow_the_weights_and_give_them_back():
    # given: one weight that goes 1, 2, 4
    module = torch.nn.Linear(1, 1, bias=False)
    module.weight.data.fill_(1.0)
    averages = AveragedWeights(module, decay=0.25)

    # when
    expected = 1.0
    for step, weight in ((1, 2.0), (2, 4.0)):
        module.weight.data.fill_(weight)
        averages.update(module, step)
        decay = min(0.25, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weight

    # then
    with averages.put_in(module):
        assert module.weight.item() == pytest.approx(expected)
    assert module.weight.item() == 4.0


@pytest.mark.parametrize("share", [0.25, 0.75, 1.0])
def test_the_served_weights_lie_between_the_first_and_the_trained(share, net):
    # given: one parameter is frozen
    module = tuned(net, TuneConfig(freeze=("norm.bias",)))
    first = {name: p.detach().clone() for name, p in module.named_parameters()}
    start = StartingWeights(module, share)
    generator = torch.Generator().manual_seed(8)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator))
    trained = {name: p.detach().clone() for name, p in module.named_parameters()}

    # when
    with start.put_in(module):
        served = {name: p.detach().clone() for name, p in module.named_parameters()}

    # then
    for name, weights in served.items():
        between = first[name].double() + share * (trained[name].double() - first[name].double())
        expected = trained[name].double() if name == "norm.bias" else between
        assert torch.allclose(weights.double(), expected, rtol=0, atol=1e-6), name
    # and: the module has its own weights again
    for name, parameter in module.named_parameters():
        assert torch.equal(parameter, trained[name]), name


def test_own_weights_are_back_after_an_error(net):
    start = StartingWeights(net, 0.5)
    with torch.no_grad():
        net.head.weight.add_(1.0)
    own = net.head.weight.detach().clone()

    with pytest.raises(KeyError), start.put_in(net):
        raise KeyError

    assert torch.equal(net.head.weight, own)


def test_averages_hold_what_moves_alone(net):
    module = tuned(net, TuneConfig(freeze=("stem.*", "norm.*")))

    averages = AveragedWeights(module, decay=0.5).state_dict()

    assert averages.keys() == {"head.weight", "head.bias"}


def test_averages_go_on_from_what_was_saved(net):
    # given: averages of one step, and others that take them over
    first, resumed = AveragedWeights(net, 0.5), AveragedWeights(net, 0.5)
    shift(net)
    first.update(net, 1)
    resumed.load_state_dict({name: p.clone() for name, p in first.state_dict().items()})

    # when
    shift(net)
    for averages in (first, resumed):
        averages.update(net, 2)

    # then
    assert_equal_weights(resumed.state_dict(), first.state_dict())


def test_the_served_module_is_averaged_mixed_and_whitened(net):
    # given
    module = TrainingModule(tuned(net, TuneConfig()), CombinedLoss(LossConfig(), None), PREPROCESS)
    config = OptimiserConfig(ema_decay=0.1, trained_share=0.25)
    first = {name: p.detach().clone() for name, p in net.named_parameters()}
    fitted_to = []

    def fit_whitening(served):
        fitted_to.append(served.network.head.weight.detach().clone())
        return Whitening(torch.zeros(16), torch.eye(16))

    served = ServedWeights(module, config, Guard(), fit_whitening)
    shift(net)
    trained = {name: p.detach().clone() for name, p in net.named_parameters()}
    served.update(1)

    # when
    with served.put_in():
        inside = {name: p.detach().clone() for name, p in net.named_parameters()}
        whitening = module.whitening

    # then: the average is 0.1 · first + 0.9 · trained, and a quarter of the way is gone
    for name, start in first.items():
        expected = start + 0.25 * 0.9 * (trained[name] - start)
        assert torch.allclose(inside[name], expected, rtol=0, atol=1e-6), name
    assert torch.equal(fitted_to[0], inside["head.weight"])
    assert whitening is not None
    # and: the module trains on as it was
    assert module.whitening is None
    for name, parameter in net.named_parameters():
        assert torch.equal(parameter, trained[name]), name


def test_the_averaged_weights_are_the_ones_saved(pictures, tmp_path):
    config = recipe(
        pictures, steps=3, batch__subjects=4, optimiser__lr=0.01, optimiser__ema_decay=0.9
    )

    train(config, network(), tmp_path / "run")

    saved = saved_weights(tmp_path / "run")["head.weight"]
    state = torch.load(tmp_path / "run" / "state.pt")
    assert torch.equal(saved, state["averages"]["network.head.weight"])
    assert not torch.equal(saved, state["module"]["network.head.weight"])


@pytest.mark.parametrize(
    ("ema_decay", "trained"),
    [
        pytest.param(None, "module", id="of the last weights"),
        pytest.param(0.9, "averages", id="of the averaged weights"),
    ],
)
def test_a_part_of_the_way_is_saved(ema_decay, trained, pictures, tmp_path):
    start = network()
    first = {name: value.clone() for name, value in start.module.state_dict().items()}
    config = recipe(
        pictures,
        steps=3,
        batch__subjects=4,
        data__held_out_share=0,
        optimiser__lr=0.01,
        optimiser__ema_decay=ema_decay,
        optimiser__trained_share=0.25,
    )

    train(config, start, tmp_path / "run")

    # then: to the last digit of float32
    saved = saved_weights(tmp_path / "run")
    whole = torch.load(tmp_path / "run" / "state.pt")[trained]
    for name in ("stem.weight", "norm.bias", "head.weight", "head.bias"):
        way = whole[f"network.{name}"] - first[name]
        assert way.any(), name
        assert torch.allclose(saved[name], first[name] + 0.25 * way, rtol=0, atol=1e-7), name


def test_measuring_a_part_of_the_way_does_not_turn_the_training(pictures, tmp_path):
    # given: the served weights are measured after every step, or only at the end
    states = []
    for name, every in (("often", 1), ("once", 4)):
        config = recipe(
            pictures,
            steps=4,
            batch__subjects=4,
            optimiser__lr=0.01,
            optimiser__ema_decay=0.9,
            optimiser__trained_share=0.5,
            evaluate_every=every,
        )
        train(config, network(), tmp_path / name)
        states.append(torch.load(tmp_path / name / "state.pt"))

    # then
    assert len(states[0]["progress"]["history"]) == 4
    assert_equal_weights(states[0]["module"], states[1]["module"])
    assert_equal_weights(states[0]["averages"], states[1]["averages"])


def test_what_is_measured_is_what_is_saved(pictures, tmp_path):
    config = recipe(
        pictures,
        steps=2,
        batch__subjects=4,
        whitening__views=16,
        data__held_out_share=0.5,
        optimiser__lr=0.01,
        optimiser__trained_share=0.5,
    )

    result = train(config, network(), tmp_path / "run")

    saved = checkpoint.load(tmp_path / "run", build=lambda _: TinyNet())
    encoder = encoder_of(saved)
    held_out = HeldOut(open_split(config.data, seed=config.seed).held_out, config, PREPROCESS)

    def embed(pixels):
        return torch.from_numpy(encoder.encode([Image.fromarray(part) for part in pixels.numpy()]))

    assert held_out.measure(embed) == pytest.approx(dict(result.best), abs=1e-6)
