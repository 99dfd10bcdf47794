import json

import numpy as np
import torch

from ml.training.trainer import train
from tests.unit.ml.training.tiny import PLAIN_VIEWS, network, recipe, saved_weights


def test_accumulated_batches_move_the_weights_as_one_large_batch(pictures, tmp_path):
    # given: a loss that is a mean over rows, views that are the pictures, and no dropout
    settings = {
        "steps": 2,
        "data__held_out_share": 0,
        "optimiser__lr": 0.01,
        "loss__triplet_weight": 0.0,
        "loss__info_nce_weight": 0.0,
        "loss__anchor_photo_weight": 1.0,
        "loss__relation_weight": 1.0,
    }
    plain = {name.replace(".", "__"): value for name, value in PLAIN_VIEWS.items()}

    # when
    for name, subjects, accumulate in (("small", 2, 4), ("large", 8, 1)):
        start = network()
        start.module.drop.p = 0.0
        config = recipe(
            pictures,
            **settings,
            **plain,
            batch__subjects=subjects,
            batch__accumulate=accumulate,
        )
        train(config, start, tmp_path / name)

    # then
    small, large = saved_weights(tmp_path / "small"), saved_weights(tmp_path / "large")
    assert not torch.equal(small["head.weight"], network().module.state_dict()["head.weight"])
    for name in small:
        assert torch.allclose(small[name], large[name], atol=1e-5), name


def test_frozen_parameters_and_statistics_stay(pictures, tmp_path):
    start = network()
    before = {name: value.clone() for name, value in start.module.state_dict().items()}
    config = recipe(
        pictures, steps=2, batch__subjects=4, optimiser__lr=0.01, tune__freeze=("stem.*",)
    )

    train(config, start, tmp_path / "run")

    after = saved_weights(tmp_path / "run")
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed == {"norm.weight", "norm.bias", "head.weight", "head.bias"}


def test_lora_runs_leave_a_plain_network(pictures, tmp_path):
    start = network()
    before = {name: value.clone() for name, value in start.module.state_dict().items()}
    config = recipe(
        pictures,
        steps=3,
        batch__subjects=4,
        optimiser__lr=0.05,
        tune__lora_rank=2,
        tune__lora_targets=("head",),
    )

    train(config, start, tmp_path / "run")

    after = saved_weights(tmp_path / "run")
    changed = {name for name in before if not torch.equal(after[name], before[name])}
    assert after.keys() == before.keys()
    assert changed == {"head.weight"}
    assert np.linalg.matrix_rank(after["head.weight"] - before["head.weight"], tol=1e-4) == 2


def test_bf16_trains_float32_weights(pictures, tmp_path):
    config = recipe(pictures, steps=2, batch__subjects=4, precision="bf16")

    train(config, network(), tmp_path / "run")

    kinds = {tensor.dtype for tensor in saved_weights(tmp_path / "run").values()}
    assert kinds == {torch.float32, torch.int64}  # the integer counts batch norm's batches
    assert json.loads((tmp_path / "run" / "training.json").read_text())["precision"] == "bf16"
