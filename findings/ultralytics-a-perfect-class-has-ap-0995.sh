#!/bin/sh
# ultralytics: the average precision of a detector that makes no mistake is .995.
#
# Guess: precision 1 at every recall gives an average precision of 1.
# Seen:  compute_ap reads the curve at 101 recalls and lets it end at precision 0: .995 at most. Figures
#        of other tools (pycocotools gives 1.0) are not comparable to the third decimal.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check ultralytics==8.4.190 ultralytics-platform==0.1.99 torch==2.14.1 torchvision==0.29.1
venv/bin/python - <<'PY'
import numpy as np
from ultralytics.utils.metrics import compute_ap

perfect = float(compute_ap(np.array([0.5, 1.0]), np.array([1.0, 1.0]))[0])
print("a perfect class:", round(perfect, 4))
assert round(perfect, 4) == 0.995
PY
