import numpy as np
import pytest
import torch

from ml.bench.plain_loop import plain_loop
from ml.encoders import registry
from tests.contract.encoder.checkpoints import pictures

CPU = torch.device("cpu")


def test_the_plain_loop_embeds_the_same(subject):
    images = [image.resize((96, 64)) for image in pictures(4)]
    encoder = registry.load(subject.choice, device="cpu", precision="float32", batch_size=4)

    rows = plain_loop(subject.choice, device=CPU)(images).float()
    if subject.choice == "semblance_lite":  # the loop is of the network alone
        rows = registry.load_network(subject.choice).whitening(rows)
    rows = (rows / rows.norm(dim=1, keepdim=True)).numpy()

    cosines = (rows * encoder.encode(images)).sum(axis=1)
    assert cosines == pytest.approx(np.ones(4), abs=2e-3)
