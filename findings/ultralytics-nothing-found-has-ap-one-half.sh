#!/bin/sh
# ultralytics: compute_ap of a class of which nothing was found is .5, not 0.
#
# Guess: no detections, average precision 0.
# Seen:  the empty curve is closed from (0, 1) to (1, 0), and the area under that line is a half; a single
#        wrong detection brings it to about 0. Whoever calls compute_ap has to ask first whether anything
#        was found.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check ultralytics==8.4.190 ultralytics-platform==0.1.99 torch==2.14.1 torchvision==0.29.1
venv/bin/python - <<'PY'
import numpy as np
from ultralytics.utils.metrics import compute_ap

nothing = float(compute_ap(np.array([]), np.array([]))[0])
one_wrong = float(compute_ap(np.array([0.0]), np.array([0.0]))[0])
print("nothing found:", round(nothing, 3), "· one wrong:", round(one_wrong, 3))
assert round(nothing, 2) == 0.5
assert one_wrong < 0.01
PY
