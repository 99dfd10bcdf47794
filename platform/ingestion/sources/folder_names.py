"""Folders' names, as tags or albums of what lies in them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from ingestion.sources.base import SourceFile


def named_by_folders(
    files: Iterable[SourceFile], *, are_tags: bool, are_albums: bool
) -> Iterator[SourceFile]:
    """Yield the files with the names of their folders, those of the relative path, added.

    Args:
        files: what a source found.
        are_tags: whether each folder's name is a tag.
        are_albums: whether it is an album.
    """
    for file in files:
        folders = PurePosixPath(file.path).parts[:-1]
        said = file.metadata
        if are_tags:
            said = replace(said, tags=(*said.tags, *folders))
        if are_albums:
            said = replace(said, albums=(*said.albums, *folders))
        yield replace(file, metadata=said)
