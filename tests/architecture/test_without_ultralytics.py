"""The packaged networks run where ultralytics is not, as docs/licences.md says."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# A worker's own code describes a picture, in an interpreter that refuses every import of it.
PROGRAM = """
import sys

for name in ("ultralytics", "ultralytics_platform", "ultralytics_thop", "thop"):
    sys.modules[name] = None  # importing it, or a part of it, is a ModuleNotFoundError
try:
    import ultralytics.nn
except ModuleNotFoundError:
    pass
else:
    raise SystemExit("ultralytics is not refused: this shows nothing")

import numpy as np
from PIL import Image

from ml.detection import registry as detectors
from ml.encoders import registry as encoders

image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (240, 320, 3), np.uint8))
choices = encoders.choose("auto"), detectors.choose("auto")
print(*(choice.name for choice in choices), choices[1].reason)
encoder = encoders.load("semblance_lite", device="cpu", threads=1)
detector = detectors.load("ssd_mobilenet", device="cpu", threads=1)
embeddings = encoder.encode([image])
detector.detect([image])
print(embeddings.shape, round(float(np.linalg.norm(embeddings)), 2), detector.spec.name)
print(*(name for name, module in sys.modules.items() if module and "ultralytics" in name))
"""


def test_the_packaged_networks_are_chosen_and_describe_a_picture(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ
        | {"PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}"}
        | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    chosen, described, loaded = done.stdout.split("\n")[:3]
    assert chosen.startswith("semblance_lite ssd_mobilenet The packaged detector, ssd_mobilenet")
    assert "ultralytics is not installed" in chosen
    assert described == "(1, 1280) 1.0 ssd_mobilenet"
    assert loaded == ""
