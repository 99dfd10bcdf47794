#!/bin/sh
# faiss: a hash exactly at the radius is not found.
#
# Guess: range_search(radius) returns what is within the radius, radius included.
# Seen:  only what is strictly closer, for bits and for L2; an inner product has to be above the
#        threshold, not equal to it. "At most 31 bits" has to be asked as 32.
#        binary, 3 bits apart: radius 3 finds 0, radius 4 finds 1
#        L2, squared distance 9: radius 9 finds 0
#        inner product .5: threshold .5 finds 0
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check faiss-cpu==1.15.1 numpy==2.4.6
venv/bin/python - <<'PY'
import faiss
import numpy as np

query = np.zeros((1, 32), np.uint8)
three_bits_off = query.copy()
three_bits_off[0, 0] = 0b111
binary = faiss.IndexBinaryFlat(256)
binary.add(three_bits_off)
found = {radius: len(binary.range_search(query, radius)[2]) for radius in (2, 3, 4)}
print("binary, 3 bits apart:", found)
assert found == {2: 0, 3: 0, 4: 1}

flat = faiss.IndexFlatL2(2)
flat.add(np.array([[3, 0]], np.float32))
at_radius = len(flat.range_search(np.zeros((1, 2), np.float32), 9.0)[2])
product = faiss.IndexFlatIP(2)
product.add(np.array([[0.5, 0]], np.float32))
at_threshold = len(product.range_search(np.array([[1, 0]], np.float32), 0.5)[2])
print("L2 at the radius:", at_radius, "· inner product at the threshold:", at_threshold)
assert (at_radius, at_threshold) == (0, 0)
PY
