#!/bin/sh
# pillow_heif: an AVIF is "supported" and opened, and fails only when its pixels are read.
#
# Guess: is_supported() is False for what the package cannot decode.
# Seen:  is_supported() is True for an AVIF, the image class opens it and knows its size, and load()
#        raises RuntimeError: the wheel carries no AV1 decoder. Pillow's own plugin has to come first.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pillow==13.0.0 pillow_heif==1.8.1
venv/bin/python - <<'PY'
from io import BytesIO

import pillow_heif
from PIL import Image

data = BytesIO()
Image.new("RGB", (16, 12), "red").save(data, "AVIF")
is_supported = pillow_heif.is_supported(BytesIO(data.getvalue()))
opened = pillow_heif.HeifImageFile(BytesIO(data.getvalue()))
size = opened.size
try:
    opened.load()
    raised = "nothing"
except RuntimeError as err:
    raised = type(err).__name__
print("is_supported:", is_supported, "· opened with size", size, "· load raises", raised)
assert (is_supported, size, raised) == (True, (16, 12), "RuntimeError")
assert Image.open(BytesIO(data.getvalue())).convert("RGB").getpixel((3, 3))[0] > 200
PY
