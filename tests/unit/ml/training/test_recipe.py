import json

import pytest

from ml.errors import InvalidTrainingConfig
from ml.training.recipe import leaves, read

MINIMUM = {"data.path": "pictures", "steps": 10}


def test_a_recipe_is_overridden_value_by_value(tmp_path):
    # given
    recipe = tmp_path / "recipe.json"
    recipe.write_text(
        json.dumps({"epochs": 3, "data": {"path": "a", "kind": "made"}, "loss": {"margin": 0.4}})
    )

    # when: the flags give a length in steps and another path, as text
    found = read(recipe, {"steps": "7", "data.path": "b", "optimiser.lr": "0.001"})

    # then
    assert (found.steps, found.epochs) == (7, None)
    assert (found.data.path, found.data.kind) == ("b", "made")
    assert (found.loss.margin, found.loss.triplet_weight) == (0.4, 0.5)
    assert found.optimiser.lr == 0.001


def test_a_run_of_no_stated_length_takes_ten_epochs():
    found = read(None, {"data.path": "pictures"})

    assert (found.steps, found.epochs) == (None, 10)


def test_written_values_read_back_as_the_same_config(tmp_path):
    first = read(
        None,
        MINIMUM | {"tune.freeze": ("stem*",), "views.drawing_weights": {"pencil": 2.0}},
    )
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps(first.to_json()))

    assert read(recipe, {}) == first


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        pytest.param({"lr": 1}, "lr: no such setting", id="unknown key"),
        pytest.param({"loss.marg": 1}, "loss.marg: no such setting", id="unknown nested key"),
        pytest.param({"optimiser.lr": "fast"}, "optimiser.lr: Input should", id="no number"),
        pytest.param({"optimiser.lr": "nan"}, "optimiser.lr: Input should", id="nan"),
        pytest.param({"optimiser.lr": 0}, "optimiser.lr: Input should", id="out of range"),
        pytest.param({"loss.mining": "easy"}, "loss.mining: Input should", id="unknown mining"),
        pytest.param({"loss.temperature": 2}, "loss.temperature: Input", id="hot"),
        pytest.param({"batch.subjects": 1}, "batch.subjects: Input", id="no negatives"),
        pytest.param({"epochs": 2}, "give either steps or epochs", id="two lengths"),
        pytest.param({"data.path": ""}, "the data have no path", id="no path"),
        pytest.param(
            {"loss.triplet_weight": 0, "loss.info_nce_weight": 0},
            "every loss has weight 0",
            id="no loss",
        ),
        pytest.param(
            {"patience": 3, "data.held_out_share": 0},
            "patience needs held-out pictures",
            id="nothing to be patient about",
        ),
        pytest.param({"tune.lora_rank": 4}, "LoRA needs both", id="LoRA on nothing"),
        pytest.param(
            {
                "tune.lora_rank": 4,
                "tune.lora_targets": ("head",),
                "optimiser.trained_share": 0.5,
            },
            "a trained share does not go with LoRA",
            id="a part of two factors",
        ),
        pytest.param(
            {"tune.is_batch_norm_frozen": False, "optimiser.trained_share": 0.5},
            "a trained share needs frozen",
            id="a part of the way with whole statistics",
        ),
        pytest.param(
            {"data.kind": "folder", "loss.alike_score": 0.5},
            "an alike score is a guess",
            id="a guess against labels",
        ),
        pytest.param({"size_px": 10**9}, "size_px: Input", id="huge input"),
        pytest.param({"views.size_px": 10**9}, "views.size_px: Input", id="huge views"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_sentence(overrides, reason):
    with pytest.raises(InvalidTrainingConfig) as error:
        read(None, MINIMUM | overrides)

    assert error.value.code == "ml:invalid-training-config"
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [None, "{", "[1]", '{"data": 3}', "[" * 100_000],
    ids=["missing", "cut", "list", "no object", "deep"],
)
def test_a_recipe_that_is_none_is_refused(text, tmp_path):
    recipe = tmp_path / "recipe.json"
    if text is not None:
        recipe.write_text(text)

    with pytest.raises(InvalidTrainingConfig):
        read(recipe, MINIMUM)


def test_every_value_has_a_name_of_its_own():
    names = [name for name, _, _ in leaves()]

    assert len(names) == len(set(names))
    assert {"encoder", "data.path", "loss.margin", "tune.lora_rank"} <= set(names)
