import logging
import os
import subprocess
import sys

import pytest

from config.env import ROOT
from ml.runtime import precision

# What the runtime reads to leave instructions unused, as an older CPU would.
OLD_CPU = {"OV_CPU_MAX_ISA": "AVX2"}


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = os.environ | variables
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True
    )


def test_auto_is_the_fastest_format_of_the_cpu():
    assert precision.served("auto") == precision.native()


@pytest.mark.parametrize("wanted", ["float16", "bfloat16"])
def test_a_cpu_without_the_instructions_computes_in_float32_and_says_so(
    monkeypatch, caplog, wanted
):
    monkeypatch.setattr(precision, "native", lambda: "float32")

    with caplog.at_level(logging.WARNING):
        assert precision.served(wanted) == "float32"

    assert caplog.messages == [
        f"This CPU has no instructions for {wanted}: networks run in float32, at half the pace."
    ]


def test_float32_is_taken_without_a_word(caplog):
    with caplog.at_level(logging.WARNING):
        assert precision.served("float32") == "float32"

    assert caplog.messages == []


def test_another_format_is_refused():
    with pytest.raises(ValueError, match="'int4' is none of auto, float32, bfloat16, float16"):
        precision.served("int4")


def test_the_packaged_encoder_works_on_a_cpu_of_ten_years_ago():
    code = (
        "import logging; logging.basicConfig(format='%(message)s')\n"
        "from ml.encoders import probe, registry\n"
        "encoder = registry.load('semblance_lite', device='cpu', precision='bfloat16')\n"
        "row = probe.embed(encoder)\n"
        "print(encoder.spec.precision, round(float(row @ row), 4))"
    )

    done = run(code, **OLD_CPU)

    assert done.stdout == "float32 1.0\n", done.stderr
    assert "This CPU has no instructions for bfloat16" in done.stderr
