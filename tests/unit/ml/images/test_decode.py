import struct
import zlib
from io import BytesIO

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from ml.errors import NotAPicture, TooManyPixels, UndecodableImage
from ml.images.decode import decode

MAX_PIXELS = 10_000_000
RED, GREEN, BLUE, WHITE, BLACK = (
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
    (255, 255, 255),
    (0, 0, 0),
)
# Lossy formats move a flat colour by a few levels.
LOSSY_LEVELS = 6


def corners(width: int = 64, height: int = 32) -> Image.Image:
    """Four flat quarters: red and green above, blue and white below."""
    image = Image.new("RGB", (width, height), WHITE)
    image.paste(RED, (0, 0, width // 2, height // 2))
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    return image


def quarters_of(image: Image.Image) -> list[tuple[int, ...]]:
    """Colours in the middle of the quarters: top left, top right, bottom left, bottom right."""
    width, height = image.size
    places = [(x, y) for y in (height // 4, height * 3 // 4) for x in (width // 4, width * 3 // 4)]
    return [image.getpixel(place) for place in places]


def saved(image: Image.Image, file_format: str, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def saved_heic(image: Image.Image, **options: object) -> bytes:
    stream = BytesIO()
    pillow_heif.from_pillow(image).save(stream, quality=95, **options)
    return stream.getvalue()


def png_chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def png(width: int, height: int, *, bits: int, colour: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def assert_close(
    found: list[tuple[int, ...]], expected: list[tuple[int, ...]], levels: int
) -> None:
    assert np.abs(np.array(found) - np.array(expected)).max() <= levels, found


@pytest.mark.parametrize(
    ("data", "levels"),
    [
        pytest.param(saved(corners(), "PNG"), 0, id="png"),
        pytest.param(saved(corners(), "BMP"), 0, id="bmp"),
        pytest.param(saved(corners(), "GIF"), 0, id="gif"),
        pytest.param(saved(corners(), "TIFF"), 0, id="tiff"),
        pytest.param(saved(corners(), "TIFF", compression="tiff_lzw"), 0, id="tiff-lzw"),
        pytest.param(saved(corners(), "WEBP", lossless=True), 0, id="webp-lossless"),
        pytest.param(saved(corners(), "WEBP", quality=95), LOSSY_LEVELS, id="webp"),
        pytest.param(saved(corners(), "JPEG", quality=95), LOSSY_LEVELS, id="jpeg"),
        pytest.param(
            saved(corners(), "JPEG", quality=95, progressive=True), LOSSY_LEVELS, id="jpeg-stepwise"
        ),
        pytest.param(saved(corners(), "AVIF", quality=95), LOSSY_LEVELS, id="avif"),
        pytest.param(saved_heic(corners()), LOSSY_LEVELS, id="heic"),
        pytest.param(
            saved(corners(), "MPO", save_all=True, append_images=[corners()], quality=95),
            LOSSY_LEVELS,
            id="jpeg-of-two-pictures",
        ),
    ],
)
def test_every_format_gives_the_same_upright_rgb(data, levels):
    image = decode(data, max_pixels=MAX_PIXELS)

    assert type(image) is Image.Image
    assert (image.mode, image.size) == ("RGB", (64, 32))
    assert_close(quarters_of(image), [RED, GREEN, BLUE, WHITE], levels)


# Source: Exif 2.32, 4.6.4 A: where the stored first row and first column belong in the upright
# picture. The stored picture has red, green above blue, white; quarters are read upright.
UPRIGHT = {
    1: [RED, GREEN, BLUE, WHITE],  # row 0 is the top, column 0 the left
    2: [GREEN, RED, WHITE, BLUE],  # top, right
    3: [WHITE, BLUE, GREEN, RED],  # bottom, right
    4: [BLUE, WHITE, RED, GREEN],  # bottom, left
    5: [RED, BLUE, GREEN, WHITE],  # left, top
    6: [BLUE, RED, WHITE, GREEN],  # right, top
    7: [WHITE, GREEN, BLUE, RED],  # right, bottom
    8: [GREEN, WHITE, RED, BLUE],  # left, bottom
}


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_orientation_is_applied(orientation, file_format):
    exif = Image.Exif()
    exif[0x0112] = orientation

    image = decode(saved(corners(), file_format, exif=exif, quality=95), max_pixels=MAX_PIXELS)

    assert image.size == ((64, 32) if orientation < 5 else (32, 64))
    assert_close(quarters_of(image), UPRIGHT[orientation], LOSSY_LEVELS)


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_orientation_of_avif_is_applied_once(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation

    image = decode(saved(corners(), "AVIF", exif=exif, quality=95), max_pixels=MAX_PIXELS)

    assert_close(quarters_of(image), UPRIGHT[orientation], LOSSY_LEVELS)


def test_orientation_of_heic_is_applied_once():
    exif = Image.Exif()
    exif[0x0112] = 6

    image = decode(saved_heic(corners(), exif=exif.tobytes()), max_pixels=MAX_PIXELS)

    assert image.size == (32, 64)
    assert_close(quarters_of(image), UPRIGHT[6], LOSSY_LEVELS)


@pytest.mark.parametrize("orientation", [0, 9, 65535], ids=str)
def test_an_orientation_that_does_not_exist_changes_nothing(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation

    image = decode(saved(corners(), "PNG", exif=exif), max_pixels=MAX_PIXELS)

    assert quarters_of(image) == UPRIGHT[1]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_does_not_cost_the_picture():
    data = saved(corners(), "PNG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xffgarbage")

    assert quarters_of(decode(data, max_pixels=MAX_PIXELS)) == UPRIGHT[1]


def half_transparent(mode: str) -> Image.Image:
    """Left half opaque black, right half invisible black."""
    image = Image.new("LA", (8, 4), (0, 255))
    image.paste((0, 0), (4, 0, 8, 4))
    return image.convert(mode)


def palette_with_invisible_entry() -> bytes:
    image = Image.new("P", (8, 4), 0)
    image.putpalette([*BLACK, *RED])
    image.paste(1, (4, 0, 8, 4))
    return saved(image, "PNG", transparency=1)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(saved(half_transparent("RGBA"), "PNG"), id="rgba"),
        pytest.param(saved(half_transparent("LA"), "PNG"), id="grey-and-alpha"),
        pytest.param(saved(half_transparent("RGBA"), "WEBP", lossless=True), id="webp"),
        pytest.param(saved(half_transparent("RGBA"), "TIFF"), id="tiff"),
        pytest.param(palette_with_invisible_entry(), id="palette-png"),
        pytest.param(saved(half_transparent("RGBA"), "GIF"), id="gif"),
    ],
)
def test_what_is_invisible_becomes_white(data):
    image = decode(data, max_pixels=MAX_PIXELS)

    assert image.mode == "RGB"
    assert image.getpixel((1, 1)) == BLACK
    assert image.getpixel((6, 1)) == WHITE


def test_half_visible_is_laid_on_white():
    data = saved(Image.new("RGBA", (2, 2), (255, 0, 0, 128)), "PNG")

    # 255 × (1 - 128/255) = 127 of white shows through
    assert decode(data, max_pixels=MAX_PIXELS).getpixel((0, 0)) == (255, 127, 127)


@pytest.mark.parametrize("file_format", ["JPEG", "TIFF"])
def test_cmyk_is_not_inverted(file_format):
    # Pillow writes CMYK JPEGs inverted, as Adobe does, and TIFFs not.
    data = saved(corners().convert("CMYK"), file_format, quality=95)

    image = decode(data, max_pixels=MAX_PIXELS)

    assert image.mode == "RGB"
    assert_close(quarters_of(image), [RED, GREEN, BLUE, WHITE], LOSSY_LEVELS)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_exactly(file_format):
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    if file_format == "PNG":
        rows = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in ramp)
        data = png(256, 256, bits=16, colour=0, rows=rows)
    else:
        data = saved(Image.fromarray(ramp), "TIFF")

    image = decode(data, max_pixels=MAX_PIXELS)

    expected = [int(value / 257 + 0.5) for value in range(65536)]
    assert np.asarray(image)[:, :, 0].ravel().tolist() == expected
    assert np.array_equal(np.asarray(image)[:, :, 0], np.asarray(image)[:, :, 2])


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        pytest.param(np.array([[0.0, 0.5, 1.0]], np.float32), [0, 128, 255], id="float-0-to-1"),
        pytest.param(np.array([[0.0, 12.0, 255.0]], np.float32), [0, 12, 255], id="float-0-to-255"),
        pytest.param(np.array([[-1.0, 0.0, 1.0]], np.float32), [0, 128, 255], id="float-signed"),
        pytest.param(
            np.array([[np.nan, 0.2, np.inf]], np.float32), [0, 51, 0], id="float-not-finite"
        ),
        pytest.param(np.array([[0, 257, 65535]], np.int32), [0, 1, 255], id="int32-as-16-bit"),
        pytest.param(np.array([[0, 7, 255]], np.int32), [0, 7, 255], id="int32-as-8-bit"),
        pytest.param(
            np.array([[-100000, 0, 100000]], np.int32), [0, 128, 255], id="int32-own-extremes"
        ),
        pytest.param(np.array([[-5, -5, -5]], np.int32), [0, 0, 0], id="int32-flat"),
    ],
)
def test_32_bit_samples_are_scaled(samples, expected):
    image = decode(saved(Image.fromarray(samples), "TIFF"), max_pixels=MAX_PIXELS)

    assert np.asarray(image)[0, :, 1].tolist() == expected


def test_one_bit_becomes_black_and_white():
    image = Image.new("1", (9, 3), 1)
    image.putpixel((4, 1), 0)

    decoded = decode(saved(image, "PNG"), max_pixels=MAX_PIXELS)

    assert decoded.getpixel((4, 1)) == BLACK
    assert decoded.getpixel((5, 1)) == WHITE


def test_only_the_first_frame_of_a_gif_is_decoded():
    frames = [Image.new("RGB", (64, 64), colour) for colour in (GREEN, RED, BLUE)]
    whole = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)
    second = whole.index(b"\x21\xf9", whole.index(b"\x2c") + 1)
    # Whatever follows the first frame is never read, so garbage there does no harm.
    data = whole[:second] + b"\x21\xf9\x04\x00\x00\x00\x00\x00\x2c" + b"\xff" * 400

    assert decode(data, max_pixels=MAX_PIXELS).getpixel((9, 9)) == GREEN


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_several_frames_the_first_is_taken(file_format):
    frames = [Image.new("RGB", (16, 16), colour) for colour in (GREEN, RED, BLUE)]
    options = {"lossless": True} if file_format == "WEBP" else {}
    data = saved(frames[0], file_format, save_all=True, append_images=frames[1:], **options)

    assert decode(data, max_pixels=MAX_PIXELS).getpixel((9, 9)) == GREEN


def noise(width: int, height: int) -> Image.Image:
    generator = np.random.default_rng(7)
    return Image.fromarray(generator.integers(0, 256, (height, width, 3), dtype=np.uint8))


WHOLE = {kind: saved(noise(120, 90), kind) for kind in ("WEBP", "GIF", "BMP", "TIFF", "AVIF")}
WHOLE["HEIF"] = saved_heic(noise(120, 90))
# Those that lack little are shown: test_damaged.
SHOWN_WITHOUT_THEIR_END = {kind: saved(noise(120, 90), kind) for kind in ("JPEG", "PNG")}


@pytest.mark.parametrize(
    ("whole", "kept"),
    [
        *((whole, kept) for whole in WHOLE.values() for kept in (0.02, 0.5, 0.9)),
        *((whole, kept) for whole in SHOWN_WITHOUT_THEIR_END.values() for kept in (0.02, 0.5)),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else str(value),
)
def test_a_file_cut_short_is_undecodable(whole, kept):
    with pytest.raises(UndecodableImage):
        decode(whole[: int(len(whole) * kept)], max_pixels=MAX_PIXELS)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"this is no picture, whatever photo.jpg says", id="text"),
        pytest.param(b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', id="svg"),
        pytest.param(b"%PDF-1.7\n%%EOF", id="pdf"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", id="postscript"),
        pytest.param(saved(corners(), "ICO"), id="icon"),
        pytest.param(saved(corners(), "PPM"), id="ppm"),
        pytest.param(b"\xff\xd8\xff\xe0", id="jpeg-head-only"),
        pytest.param(b"\x00\x00\x00\x18ftypheic" + b"\x00" * 64, id="heic-head-only"),
    ],
)
def test_what_is_no_allowed_picture_is_told_so(data):
    with pytest.raises(NotAPicture) as error:
        decode(data, max_pixels=MAX_PIXELS)

    assert error.value.code == "ml:not-a-picture"


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_damage_anywhere_raises_only_our_errors():
    generator = np.random.default_rng(11)
    originals = [saved(noise(24, 16), kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "TIFF")]
    originals.append(saved_heic(noise(24, 16)))
    outcomes = {"decoded": 0, "refused": 0}

    for number in range(600):
        damaged = bytearray(originals[number % len(originals)])
        for index in generator.integers(0, len(damaged), 4):
            damaged[index] = generator.integers(0, 256)
        try:
            decode(bytes(damaged), max_pixels=1_000_000)
        except (UndecodableImage, TooManyPixels):
            outcomes["refused"] += 1
        else:
            outcomes["decoded"] += 1

    assert min(outcomes.values()) > 50


def test_more_declared_pixels_than_allowed_are_refused():
    data = saved(corners(), "PNG")

    with pytest.raises(TooManyPixels) as error:
        decode(data, max_pixels=64 * 32 - 1)

    assert error.value.code == "ml:too-many-pixels"
    assert error.value.context == {"width": 64, "height": 32, "max_pixels": 2047}


def test_exactly_as_many_pixels_as_allowed_are_decoded():
    assert decode(saved(corners(), "PNG"), max_pixels=64 * 32).size == (64, 32)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    ("width", "height"), [(60_000, 60_000), (12_000, 10_000)], ids=["absurd", "large"]
)
def test_a_huge_declared_size_is_refused_before_pixels_are_read(width, height):
    # There is one row of pixels in it: reading any more would say "cut short" instead.
    data = png(width, height, bits=8, colour=2, rows=b"\x00" * 100)

    with pytest.raises(TooManyPixels):
        decode(data, max_pixels=100_000_000)


def test_pixels_inside_more_than_declared_are_never_inflated():
    bomb = png(10, 10, bits=8, colour=2, rows=b"\x00" * (31 * 10) + b"\x00" * 50_000_000)

    assert decode(bomb, max_pixels=MAX_PIXELS).size == (10, 10)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_one_pixel_is_a_picture(file_format):
    image = decode(saved(Image.new("RGB", (1, 1), BLACK), file_format), max_pixels=1)

    assert image.size == (1, 1)
    assert_close([image.getpixel((0, 0))], [BLACK], LOSSY_LEVELS)


@pytest.mark.parametrize(
    ("min_side_px", "size"),
    [
        pytest.param(None, (1024, 640), id="not-asked"),
        pytest.param(641, (1024, 640), id="longer-than-the-picture"),
        pytest.param(321, (1024, 640), id="half-would-be-too-small"),
        pytest.param(320, (512, 320), id="half"),
        pytest.param(100, (256, 160), id="quarter"),
        pytest.param(1, (128, 80), id="eighth-is-the-least"),
    ],
)
def test_jpeg_is_decoded_smaller_where_that_is_enough(min_side_px, size):
    data = saved(corners(1024, 640), "JPEG", quality=95)

    image = decode(data, max_pixels=MAX_PIXELS, min_side_px=min_side_px)

    assert image.size == size
    assert_close(quarters_of(image), [RED, GREEN, BLUE, WHITE], LOSSY_LEVELS)


def test_only_jpeg_is_decoded_smaller():
    data = saved(corners(1024, 640), "PNG")

    assert decode(data, max_pixels=MAX_PIXELS, min_side_px=64).size == (1024, 640)
