#!/bin/sh
# OpenCV: SIFT's keypoints lie a quarter of a pixel to the lower right, unless asked otherwise.
#
# Guess: the centre of a symmetric blob at (100, 100) is found at (100, 100).
# Seen:  at (100.24, 100.24); with enable_precise_upscale=True, which is off by default, at (100, 100).
#        Homographies between pictures of different size carry that offset.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check numpy==2.4.6 opencv-python-headless==5.0.0.93
venv/bin/python - <<'PY'
import cv2
import numpy as np

y, x = np.mgrid[:200, :200]
blob = (30 + 200 * np.exp(-((x - 100) ** 2 + (y - 100) ** 2) / 72)).astype(np.uint8)
centre = {
    precise: tuple(
        round(float(c), 2)
        for c in cv2.SIFT.create(enable_precise_upscale=precise).detect(blob, None)[0].pt
    )
    for precise in (False, True)
}
print("default:", centre[False], "· enable_precise_upscale:", centre[True])
assert centre == {False: (100.24, 100.24), True: (100.0, 100.0)}
PY
