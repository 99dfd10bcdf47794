#!/bin/sh
# Pillow: a picture whose EXIF is read without a word cannot be turned by ImageOps.exif_transpose.
#
# Guess: where getexif() reads the orientation, exif_transpose turns the picture.
# Seen:  it also writes all tags anew, and raises on one of another type than the standard's, as some
#        cameras leave them (here ImageWidth as text): struct.error. Image.transpose does not.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pillow==13.0.0
venv/bin/python - <<'PY'
import struct
from io import BytesIO

from PIL import ExifTags, Image, ImageOps


def entry(tag: int, kind: int, count: int, value: bytes) -> bytes:
    return struct.pack(">HHI", tag, kind, count) + value


# Two tags: ImageWidth as the text "8", Orientation 6.
entries = entry(0x0100, 2, 2, b"8\0\0\0") + entry(0x0112, 3, 1, struct.pack(">HH", 6, 0))
exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 2) + entries + struct.pack(">I", 0)
data = BytesIO()
Image.new("RGB", (8, 4)).save(data, "JPEG", exif=exif)
opened = Image.open(BytesIO(data.getvalue()))
orientation = opened.getexif()[ExifTags.Base.Orientation]
try:
    ImageOps.exif_transpose(opened)
    raised = "nothing"
except Exception as err:
    raised = type(err).__name__
print("orientation:", orientation, "· exif_transpose raises", raised)
assert orientation == 6
assert raised != "nothing"
assert opened.transpose(Image.Transpose.ROTATE_270).size == (4, 8)
PY
