#!/bin/sh
# torch: interpolate(antialias=True) works in float32 only on a CPU; without antialias in any format.
#
# Guess: what bicubic resizing does in bfloat16 and float16, it does antialiased, too.
# Seen:  NotImplementedError for both with antialias, none without it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check torch==2.14.1 numpy==2.4.6
venv/bin/python - <<'PY'
import torch
from torch.nn.functional import interpolate


def attempt(dtype: torch.dtype, *, antialias: bool) -> str:
    pixels = torch.rand(1, 3, 8, 8).to(dtype)
    try:
        interpolate(pixels, size=(4, 4), mode="bicubic", antialias=antialias)
    except NotImplementedError as err:
        return type(err).__name__
    return "works"


for dtype in (torch.float32, torch.float16, torch.bfloat16):
    plain, antialiased = (attempt(dtype, antialias=each) for each in (False, True))
    print(dtype, "· plain", plain, "· antialiased", antialiased)
    assert plain == "works"
    assert antialiased == ("works" if dtype is torch.float32 else "NotImplementedError")
PY
