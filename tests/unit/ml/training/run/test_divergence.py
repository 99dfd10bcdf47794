import pytest
import torch

from ml.encoders import checkpoint
from ml.errors import TrainingDiverged
from ml.training.trainer import train
from tests.unit.ml.training.tiny import TinyNet, network, recipe, saved_weights


@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_good_encoder(pictures, tmp_path):
    # given: a network that returns NaN from its seventh batch of training on
    class Breaking(TinyNet):
        def forward(self, inputs):
            self.calls = getattr(self, "calls", 0) + self.training
            return super().forward(inputs) * (1.0 if self.calls < 7 else float("nan"))

    start = network()
    breaking = Breaking()
    breaking.load_state_dict(start.module.state_dict())
    object.__setattr__(start, "module", breaking)
    config = recipe(pictures, steps=9, batch__subjects=4, evaluate_every=2, checkpoint_every=2)

    # when
    with pytest.raises(TrainingDiverged) as error:
        train(config, start, tmp_path / "run")

    # then
    assert error.value.code == "ml:training-diverged"
    assert error.value.context == {"step": 6}
    assert "stays saved" in str(error.value)
    kept = saved_weights(tmp_path / "run")
    assert all(torch.isfinite(tensor).all() for tensor in kept.values())
    assert torch.load(tmp_path / "run" / "state.pt")["progress"]["step"] == 6


def test_weights_that_are_no_numbers_are_not_saved(pictures, tmp_path):
    # given: a finite loss whose gradient is not
    class Bad(torch.autograd.Function):
        @staticmethod
        def forward(ctx, inputs):
            return inputs.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient * float("nan")

    class Breaking(TinyNet):
        def forward(self, inputs):
            return Bad.apply(super().forward(inputs))

    start = network()
    object.__setattr__(start, "module", Breaking())
    config = recipe(pictures, steps=1, batch__subjects=4, data__held_out_share=0)

    with pytest.raises(TrainingDiverged, match="no encoder was saved"):
        train(config, start, tmp_path / "run")

    assert not (tmp_path / "run" / checkpoint.WEIGHTS).exists()
