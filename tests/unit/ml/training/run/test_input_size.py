import pytest
import torch

from ml.encoders import checkpoint
from ml.errors import InvalidTrainingConfig
from ml.training.trainer import train
from tests.unit.ml.training.tiny import TinyNet, network, recipe


def test_a_size_that_the_network_does_not_take_is_refused(pictures, tmp_path):
    class Fixed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.head = torch.nn.Linear(3 * 16 * 16, 4)

        def forward(self, inputs):
            return self.head(inputs.flatten(1))

    start = network()
    object.__setattr__(start, "module", Fixed())

    with pytest.raises(InvalidTrainingConfig, match="does not take pictures of 32 px"):
        train(recipe(pictures, steps=1, size_px=32), start, tmp_path / "run")


def test_another_size_is_saved_with_the_encoder(pictures, tmp_path):
    config = recipe(pictures, steps=1, batch__subjects=4, size_px=32)

    train(config, network(), tmp_path / "run")

    saved = checkpoint.load(tmp_path / "run", build=lambda config: TinyNet())
    assert (saved.preprocess.size_px, saved.preprocess.resize_px) == (32, 32)
