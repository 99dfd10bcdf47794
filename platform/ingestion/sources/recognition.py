"""Which kind of source a word of the command line is."""

import re
from pathlib import Path

from ingestion.sources.archive import ArchiveSource, is_archive
from ingestion.sources.base import PictureSource
from ingestion.sources.bucket import BUCKET_SCHEME, BucketSource
from ingestion.sources.folder import FolderSource
from ingestion.sources.manifest import MANIFEST_ENDINGS, ManifestSource
from ingestion.sources.urls import UrlListSource, UrlSource
from ml.rules.file_types import ending_of

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_LIST_ENDING = ".txt"


def is_address(text: str) -> bool:
    """Whether a person names an address; else it is a path."""
    return _SCHEME.match(text) is not None


def recognise(text: str, *, within: Path | None = None) -> PictureSource:
    """Return the source that a person names: an address, or a path of a file or folder.

    A file is an archive by its content, a manifest or a list of addresses by its ending, else a
    picture. What is not there is a folder, whose `check` says so.

    Args:
        text: what the person names.
        within: a resolved folder; what links in a folder of pictures lead out of it is refused.
    """
    if text.lower().startswith(BUCKET_SCHEME):
        return BucketSource(text)
    if is_address(text):
        return UrlSource(text)
    path = Path(text)
    if not path.is_file():
        return FolderSource(path, within)
    ending = ending_of(path.name)
    if ending in MANIFEST_ENDINGS:
        return ManifestSource(path)
    if ending == _LIST_ENDING:
        return UrlListSource(path)
    return ArchiveSource(path) if is_archive(path) else FolderSource(path, within)
