"""What may be wrong with metadata; `kernel.messages` has a sentence for each code."""

BROKEN_CONTAINER = "metadata:user:broken-container"
BROKEN_EXIF = "metadata:user:broken-exif"
BROKEN_IIM = "metadata:user:broken-iim"
BROKEN_XMP = "metadata:user:broken-xmp"
BROKEN_EXTENDED_XMP = "metadata:user:broken-extended-xmp"
LARGE_XMP = "metadata:user:large-xmp"
BROKEN_SIDECAR = "metadata:user:broken-sidecar"
LARGE_SIDECAR = "metadata:user:large-sidecar"
UNCLEAR_DATE = "metadata:user:unclear-date"
CUT_TEXT = "metadata:user:cut-text"


class RecordError(Exception):
    """A record, or the part of a file that leads to it, cannot be read.

    It never leaves this package: whoever reads a record names the code and goes on.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
