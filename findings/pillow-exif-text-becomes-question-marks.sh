#!/bin/sh
# Pillow: letters beyond ASCII in EXIF are saved as question marks, without a word, and UTF-8 is read as Latin-1.
#
# Guess: text that is put into EXIF comes back as it was, or is refused.
# Seen:  "Jörg" comes back as "J?rg". Its bytes in UTF-8, which most programs write there, are kept as
#        they are, but read as "JÃ¶rg". Whoever writes EXIF has to give bytes, and whoever reads it has
#        to go back to the bytes first.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pillow==13.0.0
venv/bin/python - <<'PY'
from io import BytesIO

from PIL import Image

ARTIST = 315


def read_back(artist):
    exif = Image.Exif()
    exif[ARTIST] = artist
    data = BytesIO()
    Image.new("RGB", (16, 12)).save(data, "JPEG", exif=exif)
    return Image.open(BytesIO(data.getvalue())).getexif()[ARTIST]


seen = read_back("Jörg"), read_back("Jörg".encode())
print("given as text:", seen[0], "· given as UTF-8:", seen[1])
assert seen == ("J?rg", "JÃ¶rg")
PY
