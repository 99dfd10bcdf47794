"""An import's sources, as whoever runs it may open them; and its uploaded files, kept meanwhile."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path, PurePath
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from catalog import storage
from ingestion.models import Import, ListedFiles
from ingestion.services.files import ImportOptions
from ingestion.sources import (
    FolderSource,
    PathSet,
    PictureSource,
    SourceFile,
    is_address,
    named_by_folders,
    recognise,
)
from kernel.errors import UserInputError

# What pictures say of where they are from, where a form brought them.
UPLOAD = "upload"
_MAX_NAME_BYTES = 200

# Kind → how many files were passed over on the way; the files, found while they are asked for.
ListFiles = Callable[[Counter[str]], Iterator[SourceFile]]


def absolute(text: str) -> str:
    """Return what a person names so that it means the same in every folder."""
    return text if is_address(text) else os.path.abspath(text)  # noqa: PTH100  # links stay


def open_for_workers(text: str) -> PictureSource:
    """Return a source that an import of the admin names; paths have to lie in INGEST_ROOTS.

    Links are followed first, and asked again each time that the source is opened.

    Raises:
        UserInputError: "import:user:outside-roots"; and as `recognise`.
    """
    if is_address(text):
        return recognise(text)
    try:
        path = Path(text).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a circle of links, a NUL
        raise UserInputError("import:user:outside-roots") from error
    for root in settings.INGEST_ROOTS:
        if path.is_relative_to(root.resolve()):
            return recognise(str(path), within=root.resolve())
    raise UserInputError("import:user:outside-roots")


@contextmanager
def opened(current: Import) -> Iterator[Sequence[PictureSource]]:
    """Hold an import's sources open.

    Raises:
        UserInputError: "import:user:no-source" where nobody can read it again;
            "import:user:outside-roots"; as `recognise`.
        TransientError: "storage:transient:unavailable".
    """
    if current.has_upload:
        with storage.local_folder(upload_folder(current)) as folder:
            yield [_upload_source(folder)]
        return
    if not current.sources:
        raise UserInputError("import:user:no-source")
    open_source = open_for_workers if current.by_workers else recognise
    sources = [open_source(text) for text in current.sources]
    listed = ListedFiles.objects.filter(of=current).first()
    yield sources if listed is None else [_only(PathSet(listed.paths), each) for each in sources]


def list_files(sources: Sequence[PictureSource], current: Import) -> ListFiles:
    """Return what lists the files of an import's sources, with what its options say of them."""
    options = ImportOptions.from_json(current.options)

    def files_of(source: PictureSource, passed_over: Counter[str]) -> Iterator[SourceFile]:
        named = options.named or (UPLOAD if current.has_upload else source.name)
        for file in source.files(passed_over):
            metadata = file.metadata
            said = metadata.source if file.is_all_said else named
            yield replace(file, metadata=replace(metadata, source=said))

    def list_all(passed_over: Counter[str]) -> Iterator[SourceFile]:
        return named_by_folders(
            chain.from_iterable(files_of(source, passed_over) for source in sources),
            are_tags=options.tags_from_folders,
            are_albums=options.albums_from_folders,
        )

    return list_all


def upload_folder(current: Import) -> str:
    """Return where the storage keeps the files that came with a form."""
    return f"{storage.IMPORTS}/{current.pk}"


def keep_upload(current: Import, uploads: Sequence["UploadedFile[Any]"]) -> None:
    """Keep the files of a form until their import ends.

    Raises:
        TransientError: "storage:transient:unavailable".
    """
    taken: Counter[str] = Counter()
    for upload in uploads:
        name = _safe_name(upload.name or "")
        taken[name.lower()] += 1
        count = taken[name.lower()]
        unique = name if count == 1 else f"{PurePath(name).stem} ({count}){PurePath(name).suffix}"
        storage.write_file(f"{upload_folder(current)}/{unique}", upload)


def delete_upload(current: Import) -> None:
    """Remove them.

    Raises:
        TransientError: "storage:transient:unavailable".
    """
    for name in list(storage.list_names(upload_folder(current))):
        storage.delete(name)
    storage.delete_folder(upload_folder(current))


def _safe_name(name: str) -> str:
    """Return a file's name without folders and without what no file system takes."""
    last = PurePath(name.replace("\\", "/")).name
    kept = "".join(each for each in last if each.isprintable() and each not in '/:*?"<>|')
    kept = kept.lstrip(". ") or "file"
    stem, suffix = PurePath(kept).stem, PurePath(kept).suffix
    room = _MAX_NAME_BYTES - len(suffix.encode())
    return stem.encode()[: max(1, room)].decode(errors="ignore") + suffix[:_MAX_NAME_BYTES]


def _only(listed: PathSet, source: PictureSource) -> PictureSource:
    if not isinstance(source, FolderSource):  # a file lies there now
        raise UserInputError("folder:user:missing", folder=source.name)
    return replace(source, listed=listed)


def _upload_source(folder: Path) -> PictureSource:
    files = list(folder.iterdir())
    if not files:
        raise UserInputError("import:user:no-source")
    return recognise(str(files[0])) if len(files) == 1 else FolderSource(folder)
