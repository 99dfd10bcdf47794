#!/bin/sh
# Pillow: Image.open(formats=["MPO"]) is a KeyError, though opened files say that they are MPO.
#
# Guess: the list of allowed formats takes the names that image.format returns.
# Seen:  an MPO (a JPEG with a second view, as many cameras write) is opened where "JPEG" is allowed,
#        and then says format "MPO"; "MPO" itself is no key that can be allowed.
#        allowed JPEG: format MPO, 2 frames · allowed MPO: KeyError('MPO')
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pillow==13.0.0
venv/bin/python - <<'PY'
from io import BytesIO

from PIL import Image

data = BytesIO()
views = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
views[0].save(data, "MPO", save_all=True, append_images=views[1:])
opened = Image.open(BytesIO(data.getvalue()), formats=["JPEG"])
seen = (opened.format, opened.n_frames)
try:
    Image.open(BytesIO(data.getvalue()), formats=["MPO"])
    refused = "opened"
except KeyError as err:
    refused = repr(err)
print("allowed JPEG: format", seen[0], "with", seen[1], "frames · allowed MPO:", refused)
assert (seen, refused) == (("MPO", 2), "KeyError('MPO')")
PY
