#!/bin/sh
# Pillow: converting 16-bit grey to 8 bits clips at 255 instead of scaling.
#
# Guess: convert("L") of mode I;16 divides by 257, as other tools do.
# Seen:  everything from 255 on is white; 32-bit float keeps 0..1 as 0 and 1.
#        I;16 0 256 1000 65535 -> 0 255 255 255 · F 0 .5 1 300 -> 0 0 1 255
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pillow==13.0.0 numpy==2.4.6
venv/bin/python - <<'PY'
import numpy as np
from PIL import Image

deep = np.asarray(Image.fromarray(np.array([[0, 256, 1000, 65535]], np.uint16)).convert("L"))
real = np.asarray(Image.fromarray(np.array([[0, 0.5, 1, 300]], np.float32)).convert("L"))
print("I;16 ->", *deep[0], "· F ->", *real[0])
assert deep.tolist() == [[0, 255, 255, 255]]
assert real.tolist() == [[0, 0, 1, 255]]
PY
