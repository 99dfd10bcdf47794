import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, UnidentifiedImageError

from ml.rules.file_types import FORMATS
from ml.rules.limits import PILLOW_MAX_PIXELS
from ml.rules.opening import open_picture
from tests.pictures import corners, encoded, huge_png

REPOSITORY = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "MPO"])
def test_every_format_is_opened_under_its_name(kind):
    opened = open_picture(encoded(corners(64, 32), kind))

    assert (opened.format, opened.size) == (kind, (64, 32))


def test_a_jpeg_of_two_views_is_an_mpo():
    data = encoded(corners(), "MPO", save_all=True, append_images=[corners()])

    assert open_picture(data).format == "MPO"


@pytest.mark.parametrize("kind", ["ICO", "PPM", "TGA", "PCX", "EPS", "JPEG2000"])
def test_other_formats_of_pillow_are_never_tried(kind):
    with pytest.raises(UnidentifiedImageError):
        open_picture(encoded(corners(), kind))


def with_brand(data: bytes, brand: bytes) -> bytes:
    """A file whose container says first what kind of container it is, as some writers do.

    Source: ISO/IEC 14496-12, 4.3: the major brand is bytes 8 to 11 of the file.
    """
    return data[:8] + brand + data[12:]


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
@pytest.mark.parametrize("brand", [b"mif1", b"msf1"])
def test_heic_and_avif_in_a_container_of_either_are_told_apart(kind, brand):
    picture = corners(64, 32)

    opened = open_picture(with_brand(encoded(picture, kind, quality=95), brand))

    assert opened.format == kind
    difference = np.asarray(opened.convert("RGB"), np.int16) - np.asarray(picture, np.int16)
    assert np.abs(difference[4:12, 4:28]).max() <= 6  # the middle of a quarter


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_pillows_own_ceiling_is_as_stated():
    height = PILLOW_MAX_PIXELS // 2

    assert open_picture(huge_png(2, height)).size == (2, height)
    with pytest.raises(Image.DecompressionBombError):
        open_picture(huge_png(2, height + 1))


def test_nothing_about_pillow_changes_but_that_it_reads_heic(tmp_path):
    path = tmp_path / "picture"
    heic = io.BytesIO()
    pillow_heif.from_pillow(corners()).save(heic)
    path.write_bytes(heic.getvalue())
    program = (
        "import sys, pathlib; from PIL import Image, ImageFile; Image.init();"
        "state = lambda: (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES,"
        " Image.open, dict(Image.OPEN));"
        "*before, formats = state(); from ml.rules.opening import open_picture;"
        "open_picture(pathlib.Path(sys.argv[1]).read_bytes()).load();"
        "*after, more = state();"
        "print(after == before, {name for name in more if more[name] != formats.get(name)},"
        " set(formats) - set(more))"
    )

    finished = subprocess.run(
        [sys.executable, "-c", program, path],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=True,
    )

    assert finished.stdout == "True {'HEIF'} set()\n"
