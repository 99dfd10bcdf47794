"""Which files are pictures: formats that are read, and the endings of names that promise one."""

from pathlib import PurePath

# Pillow's name → ours. Nothing else is ever handed to a decoder.
FORMATS = {
    "JPEG": "jpeg",
    "MPO": "jpeg",  # a JPEG with a second view behind it, as many cameras write
    "PNG": "png",
    "WEBP": "webp",
    "GIF": "gif",
    "BMP": "bmp",
    "TIFF": "tiff",
    "HEIF": "heic",
    "AVIF": "avif",
}
# A name with one of these endings promises a picture; folders are searched for them.
PICTURE_ENDINGS = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp"),
        *(".gif", ".bmp", ".dib", ".tif", ".tiff", ".heic"),
        *(".heif", ".hif", ".avif"),
        *(".mpo", ".apng", ".pjpeg", ".pjp"),
    )
)
# Pictures too, but of kinds that are not read: a person is told so, instead of passing them over.
UNSUPPORTED_ENDINGS = frozenset(
    (
        *(".svg", ".svgz", ".psd", ".psb", ".ai", ".eps"),
        *(".ico", ".jp2", ".jxl", ".tga", ".xcf", ".raw"),
        *(".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".dng"),
        *(".orf", ".rw2", ".raf", ".pef", ".srw", ".3fr", ".fff", ".iiq"),
        *(".rwl", ".mrw", ".mef", ".mos", ".kdc", ".dcr", ".erf", ".x3f"),
    )
)
# What machines keep beside people's pictures: thumbnails of theirs, snapshots, what was deleted.
_MACHINE_FOLDERS = frozenset(
    (
        *("@eadir", "@recycle", "@recently-snapshot", "#recycle", "#snapshot"),
        *("$recycle.bin", "system volume information", "lost+found", "__macosx"),
    )
)


def ending_of(name: str) -> str:
    """Return the ending of a file's name in lower case, with its dot; "" where it has none."""
    return PurePath(name).suffix.lower()


def is_hidden(name: str) -> bool:
    """Return whether a file or folder of this name is passed over in every folder."""
    return name.startswith(".") or name.lower() in _MACHINE_FOLDERS


def is_picture_name(name: str) -> bool:
    """Return whether a file of this name in a folder is taken for a picture that is read."""
    return not is_hidden(name) and ending_of(name) in PICTURE_ENDINGS
