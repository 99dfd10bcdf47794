from types import SimpleNamespace

import pytest
import torch

from ml.encoders import checkpoint
from ml.training.data.pictures import open_split
from ml.training.run.batches import TrainingBatches
from ml.training.trainer import train
from tests.unit.ml.training.tiny import (
    PREPROCESS,
    TinyNet,
    assert_equal_weights,
    network,
    recipe,
    saved_weights,
)


def batches_of(pictures, *, process=0, processes=1, **settings):
    config = recipe(pictures, batch__subjects=4, data__held_out_share=0, **settings)
    train_pictures = open_split(config.data, seed=config.seed).train
    accelerator = SimpleNamespace(process_index=process, num_processes=processes)
    return TrainingBatches(config, train_pictures, PREPROCESS, accelerator)


@pytest.mark.parametrize(
    ("processes", "accumulate", "steps"),
    [(1, 1, 12), (1, 2, 6), (1, 5, 3), (2, 1, 6), (3, 1, 3), (8, 1, 3)],
)
def test_epochs_count_batches_of_all_subjects(processes, accumulate, steps, pictures):
    # given: 16 subjects, 4 in a batch: 4 batches an epoch
    batches = batches_of(pictures, processes=processes, epochs=3, batch__accumulate=accumulate)

    assert batches.total_steps == steps


def test_processes_take_turns(pictures):
    alone = [batch.pixels for batch in batches_of(pictures, steps=4).from_step(0)]

    each = [
        [batch.pixels for batch in batches_of(pictures, **turn, steps=2).from_step(0)]
        for turn in ({"process": 0, "processes": 2}, {"process": 1, "processes": 2})
    ]

    assert [len(own) for own in each] == [2, 2]
    for own, expected in zip(each, (alone[::2], alone[1::2]), strict=True):
        assert all(torch.equal(mine, its) for mine, its in zip(own, expected, strict=True))


def test_batches_go_on_from_a_step(pictures):
    batches = batches_of(pictures, steps=3, batch__accumulate=2)
    from_the_start = [batch.pixels for batch in batches.from_step(0)]

    later = [batch.pixels for batch in batches.from_step(2)]

    assert len(from_the_start) == 6
    assert len(later) == 2
    assert all(map(torch.equal, later, from_the_start[4:]))


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_nothing(workers, pictures, tmp_path):
    for name, count in (("alone", 0), ("helped", workers)):
        config = recipe(pictures, steps=3, batch__subjects=4, workers=count)
        train(config, network(), tmp_path / name)

    assert_equal_weights(saved_weights(tmp_path / "alone"), saved_weights(tmp_path / "helped"))


def test_views_of_their_own_size_train_and_the_input_size_is_measured_and_saved(pictures, tmp_path):
    seen = {True: set(), False: set()}

    class Watching(TinyNet):
        def forward(self, inputs):
            seen[self.training].add(tuple(inputs.shape[1:]))
            return super().forward(inputs)

    start = network()
    object.__setattr__(start, "module", Watching())
    config = recipe(
        pictures,
        steps=2,
        batch__subjects=4,
        size_px=32,
        views__size_px=24,
        loss__relation_weight=0.1,
    )

    train(config, start, tmp_path / "run")

    # then: both sizes are tried once at the start, without training
    assert seen == {True: {(3, 24, 24)}, False: {(3, 32, 32), (3, 24, 24)}}
    saved = checkpoint.load(tmp_path / "run", build=lambda config: TinyNet())
    assert (saved.preprocess.size_px, saved.preprocess.resize_px) == (32, 32)


def test_pictures_are_measured_at_the_input_size_alone(pictures, tmp_path):
    # given: a network that remembers how many pictures of each size it embedded
    counts: dict[int, int] = {}

    class Watching(TinyNet):
        def forward(self, inputs):
            if not self.training and len(inputs) > 1:
                counts[inputs.shape[-1]] = counts.get(inputs.shape[-1], 0) + len(inputs)
            return super().forward(inputs)

    start = network()
    object.__setattr__(start, "module", Watching())
    config = recipe(
        pictures, steps=1, batch__subjects=4, views__size_px=24, data__held_out_share=0.25
    )

    train(config, start, tmp_path / "run")

    # then: 4 held-out pictures, an edited view and a drawing of each, before and after the step
    assert counts == {16: 2 * 3 * 4}
