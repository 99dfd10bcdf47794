import subprocess
import sys

import pytest

from ml.evaluation.command import main
from ml.evaluation.registry import PROTOCOLS


def test_the_protocols_keep_their_names():
    assert list(PROTOCOLS) == [
        "cross-medium",
        "background",
        "copies",
        "parts",
        "edited-copies",
        "designs",
        "panels",
        "objects",
        "media",
    ]


def test_descriptions_import_no_heavy_library():
    heavy = ("torch", "numpy", "PIL", "matplotlib", "cv2", "ultralytics")
    program = (
        "import sys, ml.evaluation.registry;"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )

    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert found.stdout == "[]\n"


@pytest.mark.parametrize(
    ("protocol", "words", "reason"),
    [
        ("cross-medium", [], "--protocol cross-medium needs --encoder"),
        ("background", ["--detector", "d"], "--protocol background needs --encoder"),
        ("copies", ["--encoder", "a", "--detector", "d"], "--protocol copies takes no detector"),
        ("copies", ["--encoder", "a", "--compare-with", "a"], "names the same encoder"),
        ("parts", ["--encoder", "a", "--compare-with", "b"], "takes one encoder and no background"),
        ("parts", ["--encoder", "a", "--background", "b"], "takes one encoder and no background"),
        ("panels", ["--encoder", "a"], "takes no encoder and no background"),
        ("panels", ["--background", "b"], "takes no encoder and no background"),
        ("edited-copies", ["--compare-with", "b"], "takes no encoder and no background"),
        ("objects", [], "--protocol objects needs --detector"),
    ],
)
def test_what_does_not_fit_a_protocol_is_refused(tmp_path, capsys, protocol, words, reason):
    with pytest.raises(SystemExit) as exit_:
        main(["--protocol", protocol, "--data", str(tmp_path), *words])

    assert exit_.value.code == 2
    assert reason in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
