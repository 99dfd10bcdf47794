#!/bin/sh
# accelerate: a second Accelerator silently keeps the first one's precision, or refuses another.
#
# Guess: each Accelerator() is a run of its own, in full precision unless asked.
# Seen:  the state is the process's: after one with bf16, a plain Accelerator() is bf16 too, without a
#        word, and mixed_precision="no" is a ValueError.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check accelerate==1.15.0 torch==2.14.1 numpy==2.4.6
venv/bin/python - <<'PY'
from accelerate import Accelerator

Accelerator(cpu=True, mixed_precision="bf16")
second = Accelerator().mixed_precision
try:
    third = Accelerator(cpu=True, mixed_precision="no").mixed_precision
except ValueError as err:
    third = type(err).__name__
print("after bf16: plain Accelerator() is", second, '· mixed_precision="no":', third)
assert (second, third) == ("bf16", "ValueError")
PY
