"""Where each format keeps records of metadata. Pixels are stepped over, never decoded.

Pillow's readers are not asked: they stop at the first damage, keep no continued XMP, refuse PNGs
with long remarks, and start decoders for HEIC and AVIF.
"""

from ingestion.embedded.containers.gif import is_gif, read_gif
from ingestion.embedded.containers.heif import is_heif, read_heif
from ingestion.embedded.containers.jpeg import is_jpeg, read_jpeg
from ingestion.embedded.containers.png import read_png
from ingestion.embedded.containers.tiff import read_tiff
from ingestion.embedded.containers.webp import is_webp, read_webp
from ingestion.embedded.records import Records
from ml.rules.png_chunks import is_png
from ml.rules.tiff_directories import is_tiff

_READERS = (
    (is_jpeg, read_jpeg),
    (is_png, read_png),
    (is_webp, read_webp),
    (is_tiff, read_tiff),
    (is_heif, read_heif),
    (is_gif, read_gif),
)


def find_records(data: bytes) -> Records:
    """Return the records of a picture file; none of a format that carries none, such as BMP."""
    for is_kind, read in _READERS:
        if is_kind(data):
            return read(data)
    return Records()
