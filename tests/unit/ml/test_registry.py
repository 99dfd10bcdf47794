import subprocess
import sys
from pathlib import Path

import pytest

from ml.encoders import registry
from ml.errors import UnknownEncoder, WeightsUnavailable

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "choice",
    ["", "Clip", "resnet50", "clip:", "efficientnet_lite:some/weights", "auto:clip"],
)
@pytest.mark.parametrize("ask", [registry.load, registry.choose], ids=["load", "choose"])
def test_an_unknown_name_is_refused_with_the_known_ones(ask, choice):
    with pytest.raises(UnknownEncoder, match="efficientnet_lite, clip, clip:<hub id") as error:
        ask(choice)

    assert error.value.code == "ml:unknown-encoder"
    assert error.value.context == {"choice": choice}


@pytest.mark.parametrize(
    "setting",
    ["clip", "efficientnet_lite", "clip:google/siglip-base-patch16-224", "clip:./mine@abc"],
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


def test_importing_and_choosing_by_name_load_no_torch():
    program = (
        "import sys; from ml.encoders import registry; registry.choose('efficientnet_lite');"
        "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )

    finished = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=True,
    )

    assert (finished.stdout, finished.stderr) == ("[]\n", "")
