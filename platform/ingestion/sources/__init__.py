"""Where pictures come from: a module a source, all of them a `PictureSource`."""

from ingestion.sources.archive import ArchiveSource
from ingestion.sources.base import PictureSource, SourceFile, shown
from ingestion.sources.bucket import BucketSource
from ingestion.sources.fingerprints import Fingerprints, PathSet, file_state, path_key
from ingestion.sources.folder import FolderSource
from ingestion.sources.folder_names import named_by_folders
from ingestion.sources.manifest import ManifestSource
from ingestion.sources.recognition import is_address, recognise
from ingestion.sources.uploads import UploadSource
from ingestion.sources.urls import UrlListSource, UrlSource

__all__ = [
    "ArchiveSource",
    "BucketSource",
    "Fingerprints",
    "FolderSource",
    "ManifestSource",
    "PathSet",
    "PictureSource",
    "SourceFile",
    "UploadSource",
    "UrlListSource",
    "UrlSource",
    "file_state",
    "is_address",
    "named_by_folders",
    "path_key",
    "recognise",
    "shown",
]
