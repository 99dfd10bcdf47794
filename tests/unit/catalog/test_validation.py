"""The list of bad input, one by one, and what is known of a good picture."""

import io
import os
import subprocess
import sys
import tracemalloc
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from catalog.validation import THUMBNAIL_SIDE_PX, preview, validate
from kernel.errors import UserInputError
from ml.images.decode import decode
from tests.pictures import (
    BLUE,
    GREEN,
    RED,
    YELLOW,
    corners,
    encoded,
    huge_png,
    many_framed_gif,
    noise,
    plain,
)

# Pillow warns of what it passes over in damaged files.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

pillow_heif.register_heif_opener()

ROOT = Path(__file__).resolve().parents[3]
ABC_SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
# The same picture in every format that is taken in: Pillow's name → (options, our name).
FORMATS = {
    "JPEG": ({"quality": 95}, "jpeg"),
    "PNG": ({}, "png"),
    "WEBP": ({"quality": 95}, "webp"),
    "GIF": ({}, "gif"),
    "BMP": ({}, "bmp"),
    "TIFF": ({"compression": "tiff_lzw"}, "tiff"),
    "HEIF": ({"quality": 95}, "heic"),
    "AVIF": ({"quality": 95}, "avif"),
}
# Where red, green, blue and yellow of `corners` lie upright; the stored picture is turned away
# from it, and the orientation tag (Exif 2.32, 4.6.4 A) says how to turn it back.
STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def refusal(data: bytes, name: str = "") -> str:
    with pytest.raises(UserInputError) as caught:
        validate(data, name=name)
    return caught.value.code


def thumbnail_of(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(validate(data).thumbnail))
    assert (picture.format, picture.mode) == ("JPEG", "RGB")
    return picture


def is_near(pixel: tuple[int, ...], colour: tuple[int, ...], by: int = 12) -> bool:
    return max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) <= by


def oriented(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turn = STORED_AS[orientation]
    stored = corners(64, 32) if turn is None else corners(64, 32).transpose(turn)
    return encoded(stored, "JPEG", quality=95, exif=exif)


# What is taken in


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_taken_in(kind: str) -> None:
    options, name = FORMATS[kind]
    data = encoded(corners(64, 32), kind, **options)

    found = validate(data)

    assert (found.format, found.width, found.height) == (name, 64, 32)
    assert found.data == data


def test_the_hash_is_that_of_the_file() -> None:
    # Source: sha256sum of the file written by hand, a 1 × 1 GIF.
    data = many_framed_gif(1)

    found = validate(data, name="x.gif")

    assert found.sha256 == "6c63cc5063ac82d8bbc925f9a31adf3a87f1510c021e0fde51854d60484b5019"
    assert (found.width, found.height) == (1, 1)


def test_an_avif_whose_container_is_named_first_is_taken_in() -> None:
    data = encoded(corners(64, 32), "AVIF", quality=95)

    found = validate(data[:8] + b"mif1" + data[12:], name="a.avif")

    assert (found.format, found.width, found.height) == ("avif", 64, 32)


def test_a_camera_jpeg_of_two_views_is_a_jpeg() -> None:
    second = corners(64, 32)
    data = encoded(corners(64, 32), "MPO", save_all=True, append_images=[second])

    found = validate(data, name="DSC_1.JPG")

    assert (found.format, found.width, found.height) == ("jpeg", 64, 32)


@pytest.mark.parametrize(
    "name", ["a.jpg", "a.JPEG", "a", "", "a.b.tif"], ids=["jpg", "upper", "none", "empty", "tif"]
)
def test_a_png_is_known_by_its_bytes_whatever_picture_it_is_named(name: str) -> None:
    assert validate(plain(), name=name).format == "png"


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "JPEG", "WEBP"])
def test_a_picture_of_one_pixel(kind: str) -> None:
    found = validate(plain(size=(1, 1), kind=kind))

    assert (found.width, found.height) == (1, 1)
    assert Image.open(io.BytesIO(found.thumbnail)).size == (1, 1)


@pytest.mark.parametrize("size", [(1, 3000), (3000, 1)], ids=["tall", "wide"])
def test_a_line_keeps_a_thumbnail(size: tuple[int, int]) -> None:
    found = validate(plain(size=size))

    assert (found.width, found.height) == size
    assert sorted(Image.open(io.BytesIO(found.thumbnail)).size) == [1, THUMBNAIL_SIDE_PX]


@pytest.mark.parametrize("orientation", STORED_AS)
def test_a_turned_picture_is_set_upright(orientation: int) -> None:
    data = oriented(orientation)

    found = validate(data)

    assert (found.width, found.height) == (64, 32)
    thumbnail = thumbnail_of(data)
    assert thumbnail.size == (64, 32)
    assert is_near(thumbnail.getpixel((10, 6)), RED)
    assert is_near(thumbnail.getpixel((54, 6)), GREEN)
    assert is_near(thumbnail.getpixel((10, 26)), BLUE)
    assert is_near(thumbnail.getpixel((54, 26)), YELLOW)


@pytest.mark.parametrize(
    "exif",
    [
        pytest.param(b"Exif\0\0" + b"\xff" * 40, id="no-header"),
        pytest.param(b"Exif\0\0EM\0*\0\0\0\x08", id="wrong-header"),
        pytest.param(b"Exif\0\0II*\0\xff\xff\xff\x7f", id="offset-beyond-the-end"),
        pytest.param(b"Exif\0\0MM\0*\0\0\0\x08\0\x05\x01\x12", id="cut-short"),
    ],
)
def test_damaged_metadata_are_no_reason_to_refuse_a_good_picture(exif: bytes) -> None:
    found = validate(encoded(corners(64, 32), "JPEG", exif=exif))

    assert (found.width, found.height) == (64, 32)


def test_an_odd_tag_leaves_the_orientation_in_force() -> None:
    # ImageWidth as text, which Pillow reads and cannot write; then Orientation 6.
    width = b"\x01\x00\0\x02\0\0\0\x02ab\0\0"
    orientation = b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x02" + width + orientation + b"\0\0\0\0"
    stored = corners(64, 32).transpose(STORED_AS[6])
    data = encoded(stored, "JPEG", quality=95, exif=exif)

    found = validate(data)

    assert (found.width, found.height) == (64, 32)
    assert is_near(thumbnail_of(data).getpixel((10, 6)), RED)


# Thumbnails


def test_a_thumbnail_is_at_most_400_pixels() -> None:
    thumbnail = thumbnail_of(encoded(corners(1000, 500)))

    assert thumbnail.size == (400, 200)
    assert is_near(thumbnail.getpixel((100, 50)), RED)
    assert is_near(thumbnail.getpixel((300, 150)), YELLOW)


@pytest.mark.parametrize("orientation", STORED_AS)
def test_a_large_jpeg_keeps_its_size_though_it_is_decoded_in_less_detail(orientation: int) -> None:
    # Odd sides, which no power of two divides.
    picture, turn = corners(1701, 1203), STORED_AS[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    data = encoded(picture if turn is None else picture.transpose(turn), "JPEG", exif=exif)

    found, thumbnail = validate(data), thumbnail_of(data)

    assert (found.width, found.height, found.is_damaged) == (1701, 1203, False)
    assert thumbnail.size == (400, 283)
    assert is_near(thumbnail.getpixel((180, 120)), RED)
    assert is_near(thumbnail.getpixel((220, 160)), YELLOW)


@pytest.mark.parametrize(("kept", "is_taken"), [(0.999, True), (0.5, False)])
def test_a_large_jpeg_that_was_cut_is_judged_by_all_of_it(
    rng: np.random.Generator, kept: float, is_taken: bool
) -> None:
    data = encoded(noise(rng, 1600, 1200), "JPEG", quality=10)
    cut = data[: int(kept * len(data))]

    if is_taken:
        assert validate(cut).is_damaged
    else:
        with pytest.raises(UserInputError) as refused:
            validate(cut)
        assert refused.value.code == "image:user:broken"


def test_a_small_picture_is_not_enlarged() -> None:
    assert thumbnail_of(plain(size=(30, 20))).size == (30, 20)


def half_transparent(mode: str) -> bytes:
    """The left half is red, the right half shows what lies behind."""
    picture = Image.new("RGBA", (64, 32), (*RED, 255))
    picture.paste((*BLUE, 0), (32, 0, 64, 32))
    if mode == "P":
        return encoded(picture.quantize(4), "PNG")
    if mode == "LA":
        return encoded(picture.convert("LA"), "PNG")
    return encoded(picture, mode)


@pytest.mark.parametrize("mode", ["PNG", "WEBP", "TIFF", "GIF", "P", "LA"])
def test_transparency_lies_on_white(mode: str) -> None:
    thumbnail = thumbnail_of(half_transparent(mode))

    assert is_near(thumbnail.getpixel((52, 16)), (255, 255, 255))
    assert not is_near(thumbnail.getpixel((12, 16)), (255, 255, 255), by=60)


def test_a_colour_that_stands_for_transparent_lies_on_white() -> None:
    picture = corners(64, 32)

    thumbnail = thumbnail_of(encoded(picture, "PNG", transparency=RED))

    assert is_near(thumbnail.getpixel((10, 6)), (255, 255, 255))
    assert is_near(thumbnail.getpixel((54, 6)), GREEN)


def test_cmyk_becomes_rgb() -> None:
    picture = Image.new("CMYK", (32, 32), (0, 255, 255, 0))

    thumbnail = thumbnail_of(encoded(picture, "JPEG", quality=95))

    assert is_near(thumbnail.getpixel((16, 16)), (255, 0, 0))


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [("PNG", "<u2"), ("TIFF", "<u2"), ("TIFF", "<i4"), ("TIFF", "<f4")],
    ids=["png-16", "tiff-16", "tiff-32", "tiff-float"],
)
def test_more_than_8_bits_are_not_clipped(kind: str, dtype: str) -> None:
    # Left black, middle half, right full: clipped at 255, the last two would be the same.
    ramp = np.repeat(np.array([[0, 32768, 65535]]), 30, axis=0).repeat(30, axis=1)

    thumbnail = thumbnail_of(encoded(Image.fromarray(ramp.astype(dtype)), kind))

    assert is_near(thumbnail.getpixel((10, 15)), (0, 0, 0))
    assert is_near(thumbnail.getpixel((45, 15)), (128, 128, 128))
    assert is_near(thumbnail.getpixel((80, 15)), (255, 255, 255))


@pytest.mark.parametrize("value", [0, 20_000, 30_000, 65_535])
def test_16_bits_are_scaled_not_stretched(value: int) -> None:
    # 65,535 is white, whatever values a picture has: 65,535 = 255 × 257.
    flat = Image.fromarray(np.full((8, 8), value, dtype="<u2"))

    shown = thumbnail_of(encoded(flat, "PNG")).getpixel((4, 4))

    assert is_near(shown, (round(value / 257),) * 3, by=1)


@pytest.mark.parametrize(
    ("kind", "dtype", "highest"),
    [
        ("PNG", "<u2", 9_000),
        ("TIFF", ">u2", 9_000),
        ("TIFF", "<i4", 900_000),
        ("TIFF", "<f4", np.nan),
    ],
)
def test_more_than_8_bits_look_as_the_encoder_sees_them(
    kind: str, dtype: str, highest: float
) -> None:
    # Larger than one strip, so that no part of the picture may be scaled by itself.
    ramp = np.linspace(0, 1, 2100) * (highest if np.isfinite(highest) else 0.9)
    samples = np.tile(ramp.astype(dtype), (2100, 1)).T.copy()
    if np.isnan(highest):
        samples[:5] = np.nan
    data = encoded(Image.fromarray(samples), kind)
    seen = decode(data, max_pixels=10_000_000)
    seen.thumbnail((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX), Image.Resampling.BOX)

    shown = np.asarray(thumbnail_of(data), dtype=np.int16)

    assert np.abs(shown - np.asarray(seen, dtype=np.int16)).max() <= 3


def test_a_black_and_white_picture_of_one_bit() -> None:
    picture = Image.new("1", (32, 32), 1)

    assert thumbnail_of(encoded(picture)).getpixel((16, 16)) == (255, 255, 255)


def test_the_first_frame_of_an_animation_is_shown() -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in (GREEN, RED)]

    thumbnail = thumbnail_of(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))

    assert is_near(thumbnail.getpixel((16, 16)), GREEN)


def test_an_edge_of_transparency_has_no_colour_of_what_is_not_seen() -> None:
    # Red beside a blue that is fully transparent: between them lies pink, never violet.
    picture = Image.new("RGBA", (1601, 801), (*RED, 255))
    picture.paste((*BLUE, 0), (803, 0, 1601, 801))

    thumbnail = np.asarray(thumbnail_of(encoded(picture)), dtype=np.int16)

    assert np.abs(thumbnail[..., 2] - thumbnail[..., 1]).max() <= 12
    assert is_near(thumbnail[100, 20], RED)
    assert is_near(thumbnail[100, 380], (255, 255, 255))


@pytest.mark.parametrize("mode", ["1", "P"])
def test_a_fine_pattern_becomes_its_mean(mode: str) -> None:
    # Every second pixel is white; picking pixels would show black, white or moiré.
    pattern = np.indices((1600, 1600)).sum(axis=0) % 2 * 255
    picture = Image.fromarray(pattern.astype(np.uint8)).convert(mode)

    thumbnail = np.asarray(thumbnail_of(encoded(picture)), dtype=np.int16)

    assert np.abs(thumbnail - 128).max() <= 4


def test_a_large_picture_is_turned_too() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = corners(2000, 1000).transpose(STORED_AS[6])

    found = validate(encoded(stored, "JPEG", quality=95, exif=exif))

    thumbnail = Image.open(io.BytesIO(found.thumbnail))
    assert (found.width, found.height, thumbnail.size) == (2000, 1000, (400, 200))
    assert is_near(thumbnail.getpixel((60, 40)), RED)
    assert is_near(thumbnail.getpixel((340, 160)), YELLOW)


def test_a_strip_keeps_its_proportions() -> None:
    # 37 rows are no multiple of the factor that 10,000 columns are reduced by.
    assert thumbnail_of(plain(size=(10_000, 370))).size == (400, 15)


@pytest.mark.parametrize("size", [(200, 150), (700, 523), (2500, 1999)], ids=str)
def test_a_thumbnail_is_the_same_with_a_channel_that_says_opaque(
    size: tuple[int, int], rng: np.random.Generator
) -> None:
    """RGB is reduced as it is, everything else is converted strip by strip first."""
    picture = Image.fromarray(rng.integers(0, 256, (*size[::-1], 3), np.uint8))

    found = validate(encoded(picture)).thumbnail

    assert found == validate(encoded(picture.convert("RGBA"))).thumbnail


PEAK = """
import io, re, sys
from pathlib import Path
import django
django.setup()
import numpy as np
from PIL import Image
from catalog.validation import validate
from tests.tiffs import tiff
def peak():  # of this process alone: ru_maxrss begins with that of the process that started it
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
def file_of(mode):
    if mode == "I;16":
        return file(Image.fromarray(np.zeros((6000, 6000), "<u2")))
    if mode == "TIFF":
        return tiff(np.zeros((6000, 6000, 3), "u2"), photometric="rgb", compression="zlib")
    return file(Image.new(mode, (6000, 6000)), **({"transparency": 0} if mode == "P" else {}))
def file(picture, **options):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1, **options)
    return buffer.getvalue()
data = file_of(sys.argv[1])
before = peak()
validate(data)
sys.stdout.write(str(peak() - before))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("mode", ["RGBA", "P", "I;16", "TIFF"])
def test_a_large_picture_is_held_in_memory_once(mode: str) -> None:
    # 36 megapixels, at most 4 bytes each: 144 MB. Laying all of it on white took five times that.
    paths = os.pathsep.join(str(ROOT / name) for name in ("platform", "."))
    environment = {"PYTHONPATH": paths, "DJANGO_SETTINGS_MODULE": "config.settings.tests"}

    done = subprocess.run(
        [sys.executable, "-c", PEAK, mode], env=environment, capture_output=True, check=True
    )

    assert int(done.stdout) < 220_000_000


# What is refused


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        pytest.param(b"", "a.jpg", "empty-file", id="empty"),
        pytest.param(b"This is no picture.\n" * 9, "a.jpg", "not-a-picture", id="text-as-jpg"),
        pytest.param(b"\0" * 4096, "a.png", "not-a-picture", id="zeros"),
        pytest.param(b"\xff\xd8\xff", "a.jpg", "not-a-picture", id="three-bytes-of-jpeg"),
        pytest.param(b"%PDF-1.7\n", "a.jpg", "not-a-picture", id="pdf-as-jpg"),
        pytest.param(ABC_SVG, "a.svg", "unsupported-format", id="svg"),
        pytest.param(ABC_SVG, "a.jpg", "unsupported-format", id="svg-as-jpg"),
        pytest.param(b"\xef\xbb\xbf<SVG>", "", "unsupported-format", id="svg-upper-case"),
        pytest.param(plain(), "a.psd", "unsupported-format", id="png-as-psd"),
        pytest.param(plain(), "a.txt", "wrong-extension", id="png-as-text"),
        pytest.param(plain(), "a.jpg.exe", "wrong-extension", id="png-as-program"),
        pytest.param(b"text", "a.txt", "not-a-picture", id="text"),
        pytest.param(huge_png(60_000, 60_000), "a.png", "too-many-pixels", id="60000-square"),
        pytest.param(huge_png(10_001, 10_000), "a.png", "too-many-pixels", id="just-too-large"),
        pytest.param(many_framed_gif(10_000), "a.gif", "too-many-frames", id="10000-frames"),
        pytest.param(many_framed_gif(1_001), "a.gif", "too-many-frames", id="1001-frames"),
        pytest.param(huge_png(64, 64), "a.png", "broken", id="png-without-its-pixels"),
    ],
)
def test_bad_input_is_refused_with_its_reason(data: bytes, name: str, code: str) -> None:
    assert refusal(data, name) == f"image:user:{code}"


@pytest.mark.parametrize("kind", ["PCX", "ICO", "TGA", "PPM", "EPS", "JPEG2000", "PDF"])
def test_formats_that_are_not_ours_are_never_opened(kind: str) -> None:
    assert refusal(encoded(corners(64, 64), kind), "a.jpg") == "image:user:not-a-picture"


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind not in {"BMP", "GIF"}])
def test_half_a_file_is_broken(kind: str, rng: np.random.Generator) -> None:
    data = encoded(noise(rng), kind, **FORMATS[kind][0])

    assert refusal(data[: len(data) // 2]) in {"image:user:broken", "image:user:not-a-picture"}


def test_a_file_over_the_size_limit(settings) -> None:
    data = plain()
    settings.UPLOAD_MAX_BYTES = len(data) - 1

    assert refusal(data) == "image:user:too-large"

    settings.UPLOAD_MAX_BYTES = len(data)
    assert validate(data).format == "png"


def test_a_picture_over_the_pixel_limit(settings) -> None:
    settings.UPLOAD_MAX_PIXELS = 60 * 40 - 1

    assert refusal(plain(size=(60, 40))) == "image:user:too-many-pixels"

    settings.UPLOAD_MAX_PIXELS = 60 * 40
    assert validate(plain(size=(60, 40))).width == 60


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(huge_png(60_000, 60_000), id="60000-square"),
        pytest.param(huge_png(12_000, 12_000), id="144-megapixels"),
        pytest.param(many_framed_gif(10_000), id="10000-frames"),
    ],
)
def test_nothing_is_decoded_before_the_limits(data: bytes) -> None:
    tracemalloc.start()
    refusal(data)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak_bytes < 2_000_000


def test_a_bomb_within_the_limits_of_a_file_is_refused_unread() -> None:
    # 10,800 × 10,800 black pixels: 350 MB unpacked, 340 kB packed.
    rows = zlib.compress(b"\0" * (1 + 3 * 10_800) * 10_800, 1)
    data = huge_png(10_800, 10_800).replace(zlib.compress(b"\0" * 64), rows)

    assert refusal(data) == "image:user:too-many-pixels"


# Luck plays no part: the generator is seeded.


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("damage", ["flipped", "cut", "overwritten"])
def test_damaged_files_are_read_or_refused_and_nothing_else(
    kind: str, damage: str, rng: np.random.Generator
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a description"
    options = FORMATS[kind][0] | ({} if kind in {"GIF", "BMP"} else {"exif": exif.tobytes()})
    original = encoded(noise(rng), kind, **options)

    for _ in range(40):
        data = bytearray(original)
        if damage == "cut":
            del data[rng.integers(1, len(data)) :]
        elif damage == "flipped":
            # Mostly in the first bytes, where formats say what they are.
            for index in rng.integers(0, rng.choice([64, 400, len(data)]), 3):
                data[index % len(data)] ^= 1 << int(rng.integers(8))
        else:
            start = int(rng.integers(0, min(600, len(data))))
            data[start : start + 8] = rng.bytes(8)
        _is_read_or_refused(bytes(data))


def _is_read_or_refused(data: bytes) -> None:
    found = None
    with suppress(UserInputError):
        found = validate(data)
    if found is not None:
        assert found.width * found.height >= 1
        assert Image.open(io.BytesIO(found.thumbnail)).format == "JPEG"


# The preview of a query


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "HEIF"])
def test_a_preview_is_a_jpeg_of_at_most_that_size(kind: str) -> None:
    data = encoded(corners(900, 450), kind)

    with Image.open(io.BytesIO(preview(data, side_px=300))) as small:
        assert (small.format, small.mode, small.size) == ("JPEG", "RGB", (300, 150))
        assert small.getpixel((75, 37)) == pytest.approx(RED, abs=12)


def test_a_preview_stands_upright_and_is_not_enlarged() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = corners(64, 32).transpose(Image.Transpose.ROTATE_90)

    with Image.open(io.BytesIO(preview(encoded(turned, "JPEG", exif=exif), side_px=300))) as small:
        assert small.size == (64, 32)
        assert small.getpixel((8, 8)) == pytest.approx(RED, abs=30)


@pytest.mark.parametrize("data", [b"text", huge_png(60_000, 60_000)], ids=["text", "huge"])
def test_a_preview_of_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(UserInputError):
        preview(data, side_px=300)
