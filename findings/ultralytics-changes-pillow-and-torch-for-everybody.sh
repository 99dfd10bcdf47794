#!/bin/sh
# ultralytics: importing it replaces PIL.Image.open and torch.save of the whole process.
#
# Guess: a library's import leaves other libraries as they are, and its messages go to stderr.
# Seen:  both functions belong to ultralytics.utils.patches from then on, and its log handler writes to
#        stdout, into the output of whatever command imported it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check ultralytics==8.4.190 ultralytics-platform==0.1.99 torch==2.14.1 torchvision==0.29.1
venv/bin/python - <<'PY'
import sys

import torch
from PIL import Image

before = (Image.open.__module__, torch.save.__module__)
import ultralytics  # noqa: E402
from ultralytics.utils import LOGGER  # noqa: E402

after = (Image.open.__module__, torch.save.__module__)
to_stdout = [handler.stream is sys.stdout for handler in LOGGER.handlers]
print(before, "->", after, "· log on stdout:", to_stdout, "·", ultralytics.__version__)
assert before == ("PIL.Image", "torch.serialization")
assert after == ("ultralytics.utils.patches", "ultralytics.utils.patches")
assert to_stdout == [True]
PY
