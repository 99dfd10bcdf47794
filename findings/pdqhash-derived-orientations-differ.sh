#!/bin/sh
# pdqhash: the eight hashes of compute_dihedral are not those of the turned pictures.
#
# Guess: turning a picture and hashing it gives the hash that compute_dihedral derives for that turn.
# Seen:  up to 16 of 256 bits differ for one photo, half of the 31 that count as the same picture:
#        PDQ's filter is not symmetric. A search for turned copies has to turn the picture.
#        nearest derived hash of each turned picture, bits off: 0 12 16 6 12 0 6 16
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pdqhash==0.2.8 numpy==2.4.6 opencv-python-headless==5.0.0.93 scikit-image==0.26.0
venv/bin/python - <<'PY'
import cv2
import numpy as np
import pdqhash
from skimage import data

photo = cv2.resize(data.astronaut(), (512, 384))
turned = [np.rot90(side, turns) for side in (photo, photo[:, ::-1]) for turns in range(4)]
derived = pdqhash.compute_dihedral(photo)[0]
off = [
    min(int((pdqhash.compute(np.ascontiguousarray(each))[0] != bits).sum()) for bits in derived)
    for each in turned
]
print("nearest derived hash of each turned picture, bits off:", *off)
assert off[0] == 0
assert sorted(off) == [0, 0, 6, 6, 12, 12, 16, 16]
PY
