"""What docs/formats.md states: the thumbnail, the preview and the workers show the same colours."""

import io
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from catalog.validation import preview, validate
from kernel.errors import UserInputError
from ml.errors import TooManyPixels, UndecodableImage
from ml.images.decode import decode_pages
from ml.types import Box
from tests.pictures import encoded, noise
from tests.tiffs import packed, paged_tiff, raw_tiff, tiff
from tests.unit.ml.rules.profiles import ADOBE, PROPHOTO, SRGB, grey_profile, rgb_profile

UNSUPPORTED = "image:user:unsupported-format"


def picture(width: int = 96, height: int = 64) -> Image.Image:
    """Soft colours, darker on the left, whose mean is nowhere near grey or white."""
    y, x = np.mgrid[0:height, 0:width] / [[[height]], [[width]]]
    colours = np.stack([0.85 * x + 0.1, 0.3 + 0.3 * y, 0.25 * (1 - x)], axis=-1)
    return Image.fromarray((colours * 255).astype(np.uint8))


PICTURE = picture()
RGB = np.asarray(PICTURE)
GREY_PICTURE = PICTURE.convert("L")
GREY = np.asarray(GREY_PICTURE)
ALPHA = np.full((64, 96, 1), 128, np.uint8)
HALF_WHITE = Image.blend(PICTURE, Image.new("RGB", PICTURE.size, "white"), 127 / 255)


def in_profile(profile: bytes) -> Image.Image:
    """The same colours in the numbers of another colour space."""
    target = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    moved = ImageCms.profileToProfile(PICTURE, ImageCms.createProfile("sRGB"), target)
    moved.info.clear()
    return moved


def profiled(kind: str, profile: bytes, **options: object) -> bytes:
    return encoded(in_profile(profile), kind, icc_profile=profile, **options)


def heic_in(profile: bytes) -> bytes:
    file = pillow_heif.from_pillow(in_profile(profile))
    file.info["icc_profile"] = profile
    out = io.BytesIO()
    file.save(out, quality=95)
    return out.getvalue()


def png_16(values: np.ndarray, colour: int) -> bytes:
    """A PNG of 16 bits. colour: 0 grey, 2 RGB, 4 grey and alpha, 6 RGB and alpha."""
    height, width = values.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def with_gamma(image: Image.Image, gamma: int) -> bytes:
    png, body = encoded(image), struct.pack(">I", gamma)
    chunk = struct.pack(">I", 4) + b"gAMA" + body + struct.pack(">I", zlib.crc32(b"gAMA" + body))
    return png[:33] + chunk + png[33:]


def linear_light() -> Image.Image:
    return Image.fromarray((255 * (RGB / 255.0) ** 2.2 + 0.5).astype(np.uint8))


def palette_tiff(factor: int) -> bytes:
    indexed = PICTURE.quantize(256)
    colours = np.zeros((256, 3), int)
    listed = np.array(indexed.getpalette()).reshape(-1, 3)
    colours[: len(listed)] = listed
    tags = [(320, 3, (colours.T.ravel() * factor).tolist())]
    return raw_tiff(indexed.size, indexed.tobytes(), photometric=3, tags=tags)


def wide(values: np.ndarray, **options: object) -> bytes:
    return tiff(values, photometric="rgb", **options)


def inks() -> np.ndarray:
    return np.concatenate([255 - RGB, np.zeros_like(RGB[..., :1])], axis=2)


def in_lab() -> Image.Image:
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    moved = ImageCms.profileToProfile(PICTURE, *profiles, outputMode="LAB")
    moved.info.clear()
    return moved


def planes(values: np.ndarray) -> np.ndarray:
    return np.moveaxis(values, 2, 0)


# Each kind: the file, the picture that it shows, and by how many levels the mean may be off.
SHOWN: dict[str, tuple[Callable[[], bytes], Image.Image, float]] = {
    # Profiles
    "jpeg-prophoto": (lambda: profiled("JPEG", rgb_profile(PROPHOTO, 1.8), quality=95), PICTURE, 3),
    "jpeg-adobe": (lambda: profiled("JPEG", rgb_profile(ADOBE, 2.2), quality=95), PICTURE, 3),
    "jpeg-linear": (lambda: profiled("JPEG", rgb_profile(SRGB, 1.0), quality=95), PICTURE, 3),
    "jpeg-grey": (
        lambda: encoded(
            Image.fromarray((255 * (GREY / 255.0) ** 2.2 + 0.5).astype(np.uint8)),
            *("JPEG",),
            quality=95,
            icc_profile=grey_profile(1.0),
        ),
        GREY_PICTURE,
        3,
    ),
    "png-adobe": (lambda: profiled("PNG", rgb_profile(ADOBE, 2.2)), PICTURE, 3),
    "webp-adobe": (lambda: profiled("WEBP", rgb_profile(ADOBE, 2.2), lossless=True), PICTURE, 3),
    "avif-adobe": (lambda: profiled("AVIF", rgb_profile(ADOBE, 2.2), quality=95), PICTURE, 3),
    "heic-adobe": (lambda: heic_in(rgb_profile(ADOBE, 2.2)), PICTURE, 3),
    "tiff-adobe": (lambda: profiled("TIFF", rgb_profile(ADOBE, 2.2)), PICTURE, 3),
    "tiff-16-adobe": (
        lambda: wide(
            np.asarray(in_profile(rgb_profile(ADOBE, 2.2))).astype("u2") * 257,
            iccprofile=rgb_profile(ADOBE, 2.2),
        ),
        PICTURE,
        3,
    ),
    "jpeg-broken-profile": (
        lambda: encoded(PICTURE, "JPEG", quality=95, icc_profile=rgb_profile(ADOBE, 2.2)[:90]),
        PICTURE,
        3,
    ),
    "png-linear": (lambda: with_gamma(linear_light(), 100_000), PICTURE, 6),
    "png-usual-gamma": (lambda: with_gamma(PICTURE, 45_455), PICTURE, 1),
    # Depths
    "png-16-grey": (lambda: png_16(GREY.astype("u2") * 257, 0), GREY_PICTURE, 1),
    "png-10-of-16": (lambda: png_16(GREY.astype("u2") << 2, 0), GREY_PICTURE, 2),
    "png-12-of-16": (lambda: png_16(GREY.astype("u2") << 4, 0), GREY_PICTURE, 2),
    "png-14-of-16": (lambda: png_16(GREY.astype("u2") << 6, 0), GREY_PICTURE, 2),
    "png-16-grey-alpha": (
        lambda: png_16(np.concatenate([GREY[..., None], ALPHA], 2).astype("u2") * 257, 4),
        HALF_WHITE.convert("L"),
        2,
    ),
    "png-16-rgb": (lambda: png_16(RGB.astype("u2") * 257, 2), PICTURE, 1),
    "png-12-of-16-rgb": (lambda: png_16(RGB.astype("u2") << 4, 2), PICTURE, 2),
    "png-12-of-16-rgba": (
        lambda: png_16(np.concatenate([RGB.astype("u2") << 4, ALPHA.astype("u2") * 257], 2), 6),
        HALF_WHITE,
        2,
    ),
    "tiff-16-grey": (
        lambda: tiff(GREY.astype("u2") * 257, photometric="minisblack"),
        GREY_PICTURE,
        1,
    ),
    "tiff-16-white-is-0": (
        lambda: tiff(65535 - GREY.astype("u2") * 257, photometric="miniswhite"),
        GREY_PICTURE,
        1,
    ),
    "tiff-8-white-is-0": (lambda: tiff(255 - GREY, photometric="miniswhite"), GREY_PICTURE, 1),
    "tiff-10-of-16": (
        lambda: tiff(GREY.astype("u2") << 2, photometric="minisblack"),
        GREY_PICTURE,
        2,
    ),
    "tiff-12-of-16-rgb": (lambda: wide(RGB.astype("u2") << 4), PICTURE, 2),
    "tiff-10": (
        lambda: raw_tiff((96, 64), packed(GREY.astype("u2") << 2, 10), bits=(10,)),
        GREY_PICTURE,
        2,
    ),
    "tiff-12": (
        lambda: raw_tiff((96, 64), packed(GREY.astype("u2") << 4, 12), bits=(12,)),
        GREY_PICTURE,
        2,
    ),
    "tiff-16-rgb": (lambda: wide(RGB.astype("u2") * 257), PICTURE, 1),
    "tiff-16-planes": (
        lambda: wide(planes(RGB.astype("u2") * 257), planarconfig="separate"),
        PICTURE,
        1,
    ),
    "tiff-8-planes": (lambda: wide(planes(RGB), planarconfig="separate"), PICTURE, 1),
    "tiff-32-rgb": (lambda: wide(RGB.astype("u4") * 16_843_009), PICTURE, 1),
    "tiff-half-rgb": (lambda: wide((RGB / 255).astype("f2")), PICTURE, 1),
    "tiff-float-rgb": (lambda: wide((RGB / 255).astype("f4")), PICTURE, 1),
    "tiff-16-cmyk": (
        lambda: tiff(inks().astype("u2") * 257, photometric="separated"),
        PICTURE,
        1,
    ),
    "tiff-16-cmyk-planes": (
        lambda: tiff(
            planes(inks().astype("u2") * 257), photometric="separated", planarconfig="separate"
        ),
        PICTURE,
        1,
    ),
    # What Pillow reads
    "tiff-jpeg": (lambda: encoded(PICTURE, "TIFF", compression="jpeg", quality=95), PICTURE, 3),
    "tiff-ccitt": (
        lambda: encoded(PICTURE.convert("1"), "TIFF", compression="group4"),
        PICTURE.convert("1"),
        2,
    ),
    "tiff-ycbcr": (lambda: encoded(PICTURE.convert("YCbCr"), "TIFF"), PICTURE, 2),
    "tiff-lab": (lambda: encoded(in_lab(), "TIFF"), PICTURE, 3),
    "tiff-8-cmyk": (lambda: tiff(inks(), photometric="separated"), PICTURE, 1),
    # Colours
    "tiff-palette-of-bytes": (lambda: palette_tiff(1), PICTURE, 3),
    "tiff-palette": (lambda: palette_tiff(257), PICTURE, 3),
    "tiff-big-other-order": (lambda: wide(RGB, byteorder=">", bigtiff=True), PICTURE, 1),
    "tiff-associated-grey": (
        lambda: tiff(
            np.concatenate([(GREY // 2)[..., None], ALPHA], 2),
            photometric="minisblack",
            extrasamples=["assocalpha"],
        ),
        HALF_WHITE.convert("L"),
        3,
    ),
    "tiff-associated-rgb": (
        lambda: wide(np.concatenate([RGB // 2, ALPHA], 2), extrasamples=["assocalpha"]),
        HALF_WHITE,
        3,
    ),
    "tiff-16-alpha": (
        lambda: wide(
            np.concatenate([RGB, ALPHA], 2).astype("u2") * 257, extrasamples=["unassalpha"]
        ),
        HALF_WHITE,
        2,
    ),
}


def mean(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"), float).mean((0, 1))


@pytest.mark.parametrize("kind", SHOWN)
def test_thumbnail_preview_and_workers_show_the_right_colours(kind: str) -> None:
    draw, wanted, levels = SHOWN[kind]
    data = draw()

    found = validate(data)

    seen = decode_pages(data, max_pixels=10_000).image
    assert (found.width, found.height) == seen.size == PICTURE.size
    small = Image.open(io.BytesIO(preview(data, side_px=48)))
    for shown in (seen, Image.open(io.BytesIO(found.thumbnail)), small):
        # A JPEG is off by a level.
        assert np.abs(mean(shown) - mean(wanted)).max() <= levels + (shown is not seen)
    # Not only the mean is right: the left is darker.
    assert (
        np.corrcoef(
            np.asarray(seen)[..., 0].ravel(), np.asarray(wanted.convert("RGB"))[..., 0].ravel()
        )[0, 1]
        > 0.95
    )


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("kind", SHOWN)
def test_damage_is_read_or_refused_alike_by_web_and_workers(
    kind: str, rng: np.random.Generator
) -> None:
    original = SHOWN[kind][0]()

    for _ in range(12):
        data = bytearray(original)
        # Mostly in the first bytes and in a TIFF's tags, where files say what they are.
        for index in rng.integers(0, rng.choice([64, 400, len(data)]), 3):
            data[index % len(data)] ^= 1 << int(rng.integers(8))
        try:
            shown = validate(bytes(data))
        except UserInputError:
            with suppress(UndecodableImage, TooManyPixels):
                decode_pages(bytes(data), max_pixels=100_000_000)
        else:
            seen = decode_pages(bytes(data), max_pixels=100_000_000).image
            assert seen.size == (shown.width, shown.height)


@pytest.mark.parametrize(("share", "is_damaged"), [(1.0, False), (0.9, True)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_what_lacks_a_little_is_marked_as_damaged(
    kind: str, share: float, is_damaged: bool, rng: np.random.Generator
) -> None:
    data = encoded(noise(rng, 96, 96), kind)

    assert validate(data[: int(len(data) * share)]).is_damaged == is_damaged


# What is not read


@pytest.mark.parametrize("number", [34712, 50001, 34887, 65000, 34676, 33003])
def test_a_compression_that_is_not_read_is_neither_damaged_nor_no_picture(number: int) -> None:
    data = raw_tiff((64, 64), bytes(range(256)) * 16, compression=number)

    with pytest.raises(UserInputError) as refused:
        validate(data, name="scan.tif")

    assert refused.value.code == UNSUPPORTED


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"photometric": 8, "bits": (16, 16, 16)}, id="lab-of-16-bits"),
        pytest.param({"photometric": 32803, "bits": (16,)}, id="raw-of-a-camera"),
        pytest.param({"photometric": 2, "bits": (5, 6, 5)}, id="unequal-bits"),
        pytest.param({"tags": [(339, 3, [5])], "bits": (64,)}, id="complex-numbers"),
    ],
)
def test_a_kind_of_samples_that_is_not_read(fields: dict) -> None:
    data = raw_tiff((8, 8), bytes(9999), **fields)

    with pytest.raises(UserInputError) as refused:
        validate(data)

    assert refused.value.code == UNSUPPORTED


def test_a_tiff_is_broken_where_its_pixels_are_missing() -> None:
    data = wide(RGB.astype("u2"))

    with pytest.raises(UserInputError) as refused:
        validate(data[:-2000])

    assert refused.value.code == "image:user:broken"


# Names


@pytest.mark.parametrize("name", ["a.mpo", "a.apng", "a.pjpeg", "a.PJP"])
def test_honest_endings_of_formats_that_are_read_are_taken_in(name: str) -> None:
    assert validate(encoded(PICTURE, "JPEG"), name=name).format == "jpeg"


@pytest.mark.parametrize("name", ["a.jpg_large", "a.cr2", "a.txt", "a"])
def test_a_name_that_binds_nobody_does_not_matter(name: str) -> None:
    assert validate(encoded(PICTURE), name=name, is_name_binding=False).format == "png"


@pytest.mark.parametrize(
    ("name", "code"),
    [("a.psd", UNSUPPORTED), ("a.jpg", "image:user:not-a-picture")],
)
def test_a_name_helps_to_say_what_is_no_picture(name: str, code: str) -> None:
    with pytest.raises(UserInputError) as refused:
        validate(b"8BPS no picture", name=name, is_name_binding=False)

    assert refused.value.code == code


# Pages


def test_pages_stand_below_each_other(rng: np.random.Generator) -> None:
    pages = [np.asarray(noise(rng, 40, 30)), np.asarray(noise(rng, 20, 50))]
    data = paged_tiff(pages)

    found = validate(data)

    seen = decode_pages(data, max_pixels=10_000)
    assert (found.width, found.height) == seen.image.size == (40, 30 + 16 + 50)
    assert seen.pages == (Box(0, 0, 40, 30), Box(10, 46, 30, 96))
    for page, box in zip(pages, seen.pages, strict=True):
        crop = seen.image.crop((box.x0, box.y0, box.x1, box.y1))
        assert np.array_equal(np.asarray(crop), page)
    thumbnail = np.asarray(Image.open(io.BytesIO(found.thumbnail)), float)
    assert np.abs(thumbnail - np.asarray(seen.image, float)).mean() < 30  # noise in a JPEG
    assert thumbnail[38].min() > 225  # between them is white


def test_pages_of_every_kind_are_read_and_others_left_out(rng: np.random.Generator) -> None:
    first, deep = np.asarray(noise(rng, 40, 30)), np.asarray(noise(rng, 40, 30))
    data = paged_tiff([first, deep.astype("u2") * 257, first], [{}, {}, {"compression": None}])
    # the third says that it is packed in a way that is not read
    entry = struct.pack("<HHIHH", 259, 3, 1, 1, 0)
    last = data.rindex(entry)
    data = data[:last] + struct.pack("<HHIHH", 259, 3, 1, 65000, 0) + data[last + len(entry) :]

    seen = decode_pages(data, max_pixels=10_000)

    assert [(box.y0, box.y1) for box in seen.pages] == [(0, 30), (46, 76)]
    assert np.array_equal(np.asarray(seen.image.crop((0, 46, 40, 76))), deep)
    assert validate(data).height == 76


@pytest.mark.parametrize("is_marked", [True, False])
def test_a_preview_is_not_the_picture(is_marked: bool) -> None:
    small = PICTURE.resize((24, 16))
    options = [{"subfiletype": 1}, {}] if is_marked else [{}, {}]
    data = paged_tiff([np.asarray(small), RGB], options)

    found, seen = validate(data), decode_pages(data, max_pixels=10_000)

    assert (found.width, found.height) == seen.image.size == (96, 64)
    assert seen.pages == ()
    assert np.array_equal(np.asarray(seen.image), RGB)


def test_more_pages_than_are_shown_are_left_out(settings) -> None:
    pages = [np.full((4, 4, 3), number, np.uint8) for number in range(45)]
    data = paged_tiff(pages)

    seen = decode_pages(data, max_pixels=10_000)

    assert len(seen.pages) == 40
    assert validate(data).height == seen.image.height == 40 * 4 + 39 * 16
    settings.UPLOAD_MAX_FRAMES = 44
    with pytest.raises(UserInputError) as refused:
        validate(data)
    assert refused.value.code == "image:user:too-many-frames"


def test_a_page_larger_than_allowed_is_refused(settings) -> None:
    settings.UPLOAD_MAX_PIXELS = 96 * 64 - 1

    with pytest.raises(UserInputError) as refused:
        validate(wide(RGB.astype("u2")))

    assert refused.value.code == "image:user:too-many-pixels"


# Orientation

TURNED = PICTURE.transpose(Image.Transpose.ROTATE_90)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>'


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_an_orientation_in_xmp_alone_turns_nothing(kind: str) -> None:
    data = encoded(PICTURE, kind, xmp=XMP) if kind != "PNG" else with_xmp(encoded(PICTURE))

    assert validate(data).width == 96
    assert decode_pages(data, max_pixels=10_000).image.size == (96, 64)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF"])
def test_exif_counts_beside_xmp(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    stored = PICTURE.transpose(Image.Transpose.ROTATE_270)
    data = encoded(stored, kind, exif=exif, xmp=XMP)

    found, seen = validate(data), decode_pages(data, max_pixels=10_000)

    assert (found.width, found.height) == seen.image.size == (96, 64)
    assert np.abs(mean(seen.image) - mean(PICTURE)).max() < 3


@pytest.mark.parametrize("deep", [False, True], ids=["8-bits", "16-bits"])
@pytest.mark.parametrize("orientation", [3, 6])
def test_a_tiff_of_every_depth_is_turned(orientation: int, deep: bool) -> None:
    turn = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}[orientation]
    stored = np.asarray(PICTURE.transpose(turn))
    values = stored.astype("u2") * 257 if deep else stored
    data = wide(values, extratags=[(274, 3, 1, orientation, True)])

    found, seen = validate(data), decode_pages(data, max_pixels=10_000)

    assert (found.width, found.height) == seen.image.size == (96, 64)
    assert np.array_equal(np.asarray(seen.image), RGB)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_what_is_decoded_says_nothing_of_itself(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(PICTURE, kind, exif=exif.tobytes(), icc_profile=rgb_profile(ADOBE, 2.2))

    seen = decode_pages(data, max_pixels=10_000).image

    assert seen.info == {}
    assert dict(seen.getexif()) == {}
    assert (
        Image.open(io.BytesIO(validate(data).thumbnail))
        .info.keys()
        .isdisjoint({"exif", "icc_profile"})
    )


def with_xmp(png: bytes) -> bytes:
    body = b"XML:com.adobe.xmp\0\0\0\0\0" + XMP
    chunk = struct.pack(">I", len(body)) + b"iTXt" + body
    return png[:33] + chunk + struct.pack(">I", zlib.crc32(b"iTXt" + body)) + png[33:]
