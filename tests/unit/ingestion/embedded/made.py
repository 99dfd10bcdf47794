"""Pictures that say something of themselves, written by Pillow or byte by byte."""

import io
import struct
import zlib
from collections.abc import Sequence
from functools import partial
from hashlib import md5
from xml.sax.saxutils import escape

import pillow_heif
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.tiffs import raw_tiff

pillow_heif.register_heif_opener()

NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
}
UTF8_MARK = (1, 90, b"\x1b%G")
XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION_MARK = b"http://ns.adobe.com/xmp/extension/\0"
PHOTOSHOP_MARK = b"Photoshop 3.0\0"
EXIF_MARK = b"Exif\0\0"
PNG_XMP = "XML:com.adobe.xmp"
IIM, DIGEST = 0x0404, 0x0425
_md5 = partial(md5, usedforsecurity=False)


def xmp(properties: str, attributes: str = "") -> bytes:
    """A packet with these properties, as elements and as attributes."""
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {declared} {attributes}>{properties}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def alternatives(name: str, **texts: str) -> str:
    """A property in several languages; `x_default` is "x-default"."""
    items = "".join(
        f'<rdf:li xml:lang="{language.replace("_", "-")}">{escape(text)}</rdf:li>'
        for language, text in texts.items()
    )
    return f"<{name}><rdf:Alt>{items}</rdf:Alt></{name}>"


def listed(name: str, *texts: str, kind: str = "Bag") -> str:
    """A property of several values."""
    items = "".join(f"<rdf:li>{escape(text)}</rdf:li>" for text in texts)
    return f"<{name}><rdf:{kind}>{items}</rdf:{kind}></{name}>"


def title(text: str) -> bytes:
    """A packet with a title alone."""
    return xmp(alternatives("dc:title", x_default=text))


def iim(*datasets: tuple[int, int, bytes]) -> bytes:
    """A block of datasets, as record, number and value."""
    return b"".join(
        b"\x1c" + struct.pack(">BBH", record, number, len(value)) + value
        for record, number, value in datasets
    )


def resource(number: int, content: bytes) -> bytes:
    """One of Photoshop's resources."""
    head = b"8BIM" + struct.pack(">H", number) + b"\0\0" + struct.pack(">I", len(content))
    return head + content + bytes(len(content) % 2)


def resources(block: bytes, *, digest_of: bytes | None = None) -> bytes:
    """A block among Photoshop's resources, with the digest of a block where one is given."""
    others = resource(0x03ED, bytes(16))
    digest = b"" if digest_of is None else resource(DIGEST, _md5(digest_of).digest())
    return others + resource(IIM, block) + digest


def exif(
    main: dict[int, object], camera: dict[int, object] | None = None, *, has_gps: bool = False
) -> bytes:
    """EXIF as Pillow writes it, without the mark of a JPEG."""
    tags = Image.Exif()
    tags.update(main)
    tags.get_ifd(0x8769).update(camera or {})
    if has_gps:
        tags.get_ifd(0x8825).update({1: "N", 2: (50.0, 7.0, 8.0)})
    return tags.tobytes().removeprefix(EXIF_MARK)


def segment(marker: int, content: bytes) -> bytes:
    """A segment of a JPEG."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def jpeg(*segments: bytes) -> bytes:
    """A JPEG with these segments behind its first two bytes."""
    data = _encoded("JPEG")
    return data[:2] + b"".join(segments) + data[2:]


def jpeg_with(
    *, packet: bytes = b"", photoshop: bytes = b"", tags: bytes = b"", extensions: Sequence = ()
) -> bytes:
    """A JPEG with XMP, Photoshop's resources and EXIF."""
    segments = [segment(0xE1, EXIF_MARK + tags)] if tags else []
    segments += [segment(0xE1, XMP_MARK + packet)] if packet else []
    segments += [segment(0xE1, EXTENSION_MARK + part) for part in extensions]
    segments += [segment(0xED, PHOTOSHOP_MARK + photoshop)] if photoshop else []
    return jpeg(*segments)


def extended(document: bytes, *, guid: str | None = None, part_bytes: int = 60_000) -> list[bytes]:
    """A document cut into contents of extension segments."""
    digest = (guid or guid_of(document)).encode()
    starts = range(0, len(document), part_bytes)
    return [
        digest + struct.pack(">II", len(document), start) + document[start : start + part_bytes]
        for start in starts
    ]


def guid_of(document: bytes) -> str:
    """The name of a document that continues a packet."""
    return _md5(document).hexdigest().upper()


def png(*, tags: bytes = b"", texts: dict[str, str] | None = None, **itxt: object) -> bytes:
    """A PNG with EXIF and remarks in iTXt; `is_packed` is whether they are compressed."""
    info = PngInfo()
    for keyword, text in (texts or {}).items():
        info.add_itxt(keyword, text, zip=bool(itxt.get("is_packed")))
    return _encoded("PNG", pnginfo=info, **({"exif": tags} if tags else {}))


def chunk(name: bytes, content: bytes) -> bytes:
    """A chunk of a PNG."""
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum


def png_with(*chunks: bytes) -> bytes:
    """A PNG with these chunks before its last."""
    data = _encoded("PNG")
    return data[:-12] + b"".join(chunks) + data[-12:]


def raw_profile(kind: str, content: bytes) -> bytes:
    """A remark in which ImageMagick and exiftool keep a record."""
    digits = content.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    text = f"\n{kind.upper()} profile\n{len(content):8}\n{lines}\n".encode()
    return chunk(b"zTXt", f"Raw profile type {kind}".encode() + b"\0\0" + zlib.compress(text))


def webp(*, tags: bytes = b"", packet: bytes = b"") -> bytes:
    """A WebP with both records."""
    return _encoded("WEBP", exif=tags, xmp=packet)


def riff_chunk(name: bytes, content: bytes) -> bytes:
    """A chunk of a WebP."""
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def heic(*, tags: bytes = b"", packet: bytes = b"", kind: str = "HEIF") -> bytes:
    """A HEIC, or an AVIF, with both records."""
    return _encoded(kind, exif=EXIF_MARK + tags, xmp=packet)


def gif(packet: bytes) -> bytes:
    """A GIF with XMP, as XMP part 3, 1.1.2 lays it out."""
    data = _encoded("GIF")
    trailer = b"\1" + bytes(range(255, -1, -1)) + b"\0"
    return data[:-1] + b"\x21\xff\x0bXMP DataXMP" + packet + trailer + data[-1:]


def tiff(tags: Sequence[tuple[int, int, bytes]], *, order: str = "<") -> bytes:
    """A TIFF of one grey pixel with tags of bytes, as number, type and content.

    Types of four bytes take each group of four for a number of this order.
    """
    fields = [(tag, 4, _numbers(content, order)) for tag, _, content in tags]
    data = bytearray(raw_tiff((1, 1), b"\0", tags=fields, order=order))
    for tag, kind, content in tags:
        if kind != 4:
            at = data.index(struct.pack(order + "HHI", tag, 4, -(-len(content) // 4)))
            data[at : at + 8] = struct.pack(order + "HHI", tag, kind, len(content))
    return bytes(data)


def _numbers(content: bytes, order: str) -> list[int]:
    padded = content + bytes(-len(content) % 4)
    return list(struct.unpack(f"{order}{len(padded) // 4}I", padded))


def _encoded(kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 40, 40)).save(out, kind, **options)
    return out.getvalue()


def heif_by_hand(
    packet: bytes,
    *,
    version: int,
    extents: int = 1,
    names_length: bool = True,
    is_long: bool = False,
) -> bytes:
    """A HEIF without a picture, whose XMP lies in its file (version 0) or in the box `idat`.

    Before the packet it lists an item of another type of content. Without a length, the packet goes
    on to the end; `is_long` is whether the first box writes its length in 64 bits.
    """
    half = len(packet) // extents
    lengths = [half] * (extents - 1) + [len(packet) - half * (extents - 1)]
    id_kind = "H" if version < 2 else "I"
    items = ((6, b"application/json"), (7, b"application/rdf+xml"))
    entries = b"".join(_entry(version, id_kind, *item) for item in items)
    entries = box(b"iinf", struct.pack(">IH", 0, len(items)) + entries)

    def meta(start: int) -> bytes:
        # An index has a length from version 1 on; before, these bits say nothing.
        location = struct.pack(">IBB", version << 24, 0x44, 0x04 if version == 0 else 0x00)
        location += struct.pack(f">{id_kind}{id_kind}", 1, 7)
        location += struct.pack(">H", 1) if version else b""
        location += struct.pack(">HH", 0, extents)
        for number, length in enumerate(lengths):
            location += struct.pack(">II", start + number * half, length if names_length else 0)
        inside = box(b"idat", packet) if version else b""
        return box(b"meta", bytes(4) + entries + box(b"iloc", location) + inside)

    head = box(b"ftyp", b"heic" + bytes(4))
    if is_long:
        head += struct.pack(">I4sQ", 1, b"free", 20) + b"free"
    start = 0 if version else len(head) + len(meta(0)) + 8
    return head + meta(start) + (box(b"mdat", packet) if not version else b"")


def box(kind: bytes, content: bytes) -> bytes:
    """A box of a HEIF."""
    return struct.pack(">I", len(content) + 8) + kind + content


def _entry(version: int, id_kind: str, number: int, content_type: bytes) -> bytes:
    own_version = (2 if version < 2 else 3) << 24
    head = struct.pack(f">I{id_kind}H4s", own_version, number, 0, b"mime")
    return box(b"infe", head + b"name\0" + content_type + b"\0")
