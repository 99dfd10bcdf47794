"""Which files are pictures: formats that are read, and the endings of names that promise one."""

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
# What cameras write before they make a picture of it; mostly it lies beside the picture.
RAW_ENDINGS = frozenset(
    (
        *(".raw", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".dng"),
        *(".orf", ".rw2", ".raf", ".pef", ".srw", ".3fr", ".fff", ".iiq"),
        *(".rwl", ".mrw", ".mef", ".mos", ".kdc", ".dcr", ".erf", ".x3f"),
    )
)
# Pictures too, but of kinds that are not read.
UNSUPPORTED_ENDINGS = RAW_ENDINGS | frozenset(
    (
        *(".svg", ".svgz", ".psd", ".psb", ".ai", ".eps"),
        *(".ico", ".jp2", ".jxl", ".tga", ".xcf"),
    )
)
ARCHIVE_ENDINGS = frozenset(
    (
        *(".zip", ".tar", ".tgz", ".tbz", ".tbz2", ".txz"),
        *(".gz", ".bz2", ".xz", ".7z", ".rar", ".zst"),
    )
)
# What lies beside pictures and is none, by kind; a bulk import counts it.
_KINDS = {
    "video": (
        *(".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".mts", ".m2ts"),
        *(".wmv", ".3gp", ".flv", ".ogv", ".insv"),
    ),
    "audio": (".mp3", ".m4a", ".wav", ".flac", ".ogg", ".opus", ".aac", ".wma", ".aif", ".aiff"),
    "sidecar": (".xmp", ".aae", ".thm", ".pp3", ".dop", ".cos", ".lrv", ".nksc", ".on1"),
    "document": (
        *(".pdf", ".txt", ".md", ".rtf", ".doc", ".docx", ".odt", ".xls", ".xlsx", ".ods"),
        *(".ppt", ".pptx", ".odp", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".htm", ".html"),
    ),
    "archive": ARCHIVE_ENDINGS,
}
_KIND_OF_ENDING = {ending: kind for kind, endings in _KINDS.items() for ending in endings}
# What machines keep beside people's pictures: thumbnails of theirs, snapshots, what was deleted.
_MACHINE_FOLDERS = frozenset(
    (
        *("@eadir", "@recycle", "@recently-snapshot", "#recycle", "#snapshot", ".thumbnails"),
        *("$recycle.bin", "system volume information", "lost+found", "__macosx", "@tmp"),
        *(".trash", ".trashes", ".spotlight-v100", ".fseventsd", ".picasaoriginals"),
    )
)


def ending_of(name: str) -> str:
    """Return the ending of a file's name in lower case, with its dot; "" where it has none."""
    last = name.rstrip("/").rpartition("/")[2]
    at = last.rfind(".")
    return last[at:].lower() if 0 < at < len(last) - 1 else ""


def is_hidden(name: str) -> bool:
    """Return whether a file or folder of this name is passed over in every folder."""
    return name.startswith(".") or name.lower() in _MACHINE_FOLDERS


def is_picture_name(name: str) -> bool:
    """Return whether a file of this name in a folder is taken for a picture that is read."""
    return not is_hidden(name) and ending_of(name) in PICTURE_ENDINGS


def kind_passed_over(name: str) -> str:
    """Return what a file or folder of this name is that a bulk import passes over; "" of pictures.

    That is "machine", "hidden", "other", or a kind with its ending, such as "video .mp4". Pictures
    of kinds that are not read, a camera's raw files among them, are no such thing: each is refused
    by its name.
    """
    ending = ending_of(name)
    if name.lower() in _MACHINE_FOLDERS:
        return "machine"
    if is_hidden(name):
        return "hidden"
    if ending in PICTURE_ENDINGS or ending in UNSUPPORTED_ENDINGS:
        return ""
    return f"{_KIND_OF_ENDING[ending]} {ending}" if ending in _KIND_OF_ENDING else "other"
