import subprocess
import sys
from pathlib import Path

import pytest

from ml.encoders import registry
from ml.errors import EncoderNotTrainable, UnknownEncoder, WeightsUnavailable

REPOSITORY = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize(
    "choice",
    [
        "",
        "Clip",
        "resnet50",
        "clip:",
        "yolo:",
        "clip_blip_fusion:",
        "efficientnet_lite:some/weights",
        "efficientnet_lite:lite3",
        "semblance_lite:lite0",
        "auto:clip",
    ],
)
@pytest.mark.parametrize(
    "ask",
    [registry.load, registry.load_network, registry.choose],
    ids=["load", "load_network", "choose"],
)
def test_an_unknown_name_is_refused_with_the_known_ones(ask, choice):
    with pytest.raises(UnknownEncoder, match="semblance_lite, clip, clip:openai_vit_b32") as error:
        ask(choice)

    assert error.value.code == "ml:unknown-encoder"
    assert error.value.context == {"choice": choice}


@pytest.mark.parametrize(
    "setting",
    [
        "clip",
        "semblance_lite",
        "efficientnet_lite",
        "efficientnet_lite:lite0",
        "clip:siglip_base",
        "clip:google/siglip-base-patch16-224",
        "clip:./mine@abc",
        "clip_blip_fusion:runs/best",
        "clip_blip_fusion:concat",
        "yolo",
        "yolo:yolov8n.pt",
        "./runs/best",
    ],
)
def test_a_name_given_by_a_person_is_kept(setting):
    choice = registry.choose(setting)

    assert choice.name == setting
    assert choice.reason == f"{setting} was asked for by name."


@pytest.mark.parametrize(
    "reference", ["/no/such/folder", "./no-such-folder", "~/no-such", "a/b/c", "spaced name"]
)
def test_a_folder_that_is_not_there_is_said_so(reference):
    with pytest.raises(WeightsUnavailable, match=f"folder.*{reference}|{reference}.*folder"):
        registry.load(f"clip:{reference}", device="cpu")


@pytest.mark.parametrize("choice", ["/no/such/run", "clip_blip_fusion:/no/such/run"])
@pytest.mark.parametrize("ask", [registry.load, registry.load_network], ids=["load", "train"])
def test_a_checkpoint_that_is_not_there_is_said_so(ask, choice):
    with pytest.raises(WeightsUnavailable, match="no folder /no/such/run") as error:
        ask(choice)

    assert error.value.code == "ml:weights-unavailable"


def test_a_fusion_that_nobody_trained_is_not_served():
    with pytest.raises(WeightsUnavailable, match="no trained weights: train it") as error:
        registry.load("clip_blip_fusion", device="cpu")

    assert error.value.context == {"choice": "clip_blip_fusion"}


def test_a_detector_is_not_trained():
    with pytest.raises(EncoderNotTrainable, match="yolo is not trained here") as error:
        registry.load_network("yolo")

    assert error.value.code == "ml:encoder-not-trainable"


def test_importing_and_choosing_by_name_load_no_torch():
    program = (
        "import sys; from ml.encoders import registry; registry.choose('clip_blip_fusion');"
        "loaded = ('torch', 'transformers', 'ultralytics', 'timm');"
        "print([name for name in loaded if name in sys.modules])"
    )

    finished = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=True,
    )

    assert (finished.stdout, finished.stderr) == ("[]\n", "")
