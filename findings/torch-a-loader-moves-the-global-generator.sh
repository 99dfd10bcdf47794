#!/bin/sh
# torch: starting to iterate a DataLoader draws from the global generator, even unshuffled.
#
# Guess: without shuffle, workers or augmentation a loader draws no random number.
# Seen:  iter(DataLoader(...)) takes one number, so dropout after it differs from a run that was
#        resumed without that loader; a loader with a generator of its own leaves the global one alone.
#        after manual_seed(0): no loader .4963 · loader .0885 · loader with generator .4963
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check torch==2.14.1 numpy==2.4.6
venv/bin/python - <<'PY'
import torch
from torch.utils.data import DataLoader


def first_number(**options) -> float:
    torch.manual_seed(0)
    if options:
        iter(DataLoader([1, 2, 3], shuffle=False, **options))
    return round(torch.rand(1).item(), 4)


seen = [
    first_number(),
    first_number(batch_size=1),
    first_number(batch_size=1, generator=torch.Generator()),
]
print("no loader, loader, loader with generator:", *seen)
assert seen[0] == seen[2] != seen[1]
PY
