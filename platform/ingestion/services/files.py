"""One file of an import: read, looked for, and added where it is new."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from catalog import services as catalog
from catalog.models import Image
from catalog.selectors import find_by_sha256, find_private_to_others
from catalog.services import ImageMetadata
from catalog.validation import ValidPicture, validate
from ingestion.embedded import read_embedded
from ingestion.models import Import
from ingestion.sources import SourceFile
from kernel.errors import ConflictError, UserInputError
from kernel.hashing import sha256_hex

_EMBEDDED_TEXTS = ("description", "creator", "credit", "rights", "usage_terms", "licensor")


class Result(StrEnum):
    """How one file of an import ended; also the name of its counter."""

    ADDED = "added"
    DUPLICATES = "duplicates"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One file's end: the image it became or already was, or why it was refused.

    `problems` are codes of what was left out of its metadata. `is_restored` is of an image that was
    in the bin.
    """

    name: str
    result: Result
    image_id: UUID | None = None
    error: UserInputError | ConflictError | None = None
    problems: tuple[str, ...] = ()
    is_restored: bool = False


class KnownPolicy(StrEnum):
    """What becomes of a file whose content is there already; one content is one image.

    The image is left as it is, or gets what is said of it now, or keeps where else it was met. In
    any case it gets a path where it has none. One that whoever imports may not see is skipped.
    """

    SKIP = "skip"
    UPDATE = "update"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class MetadataRules:
    """What an import does with what is said of its pictures.

    A source's own word goes before what the files say of themselves.

    Attributes:
        known: what becomes of pictures that are there already.
        tags_from_keywords: whether the keywords in the files become tags.
        titles_from_paths: whether the last part of the path goes before a title in the file.
    """

    known: KnownPolicy = KnownPolicy.SKIP
    tags_from_keywords: bool = False
    titles_from_paths: bool = False


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """All that an import is told beside its sources.

    Attributes:
        rules: what is done with what is said of the pictures.
        named: what pictures say of where they are from; "" is each source's own name.
        tags_from_folders: whether each folder's name becomes a tag.
        albums_from_folders: whether each folder's name is an album.
    """

    rules: MetadataRules = MetadataRules()
    named: str = ""
    tags_from_folders: bool = False
    albums_from_folders: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return what `Import.options` holds."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ImportOptions":
        """Read `Import.options`; what is not said is as by default."""
        said = dict(values)
        rules = dict(said.pop("rules", {}))
        if "known" in rules:
            rules["known"] = KnownPolicy(rules["known"])
        return cls(rules=MetadataRules(**rules), **said)


def take_in_one(current: Import, file: SourceFile, rules: MetadataRules) -> Outcome:
    """Take in one file; a bad one is an outcome, too. Nothing is counted here.

    Raises:
        TransientError: the storage or SQL is full or out of reach.
    """
    try:
        return _add(current, file, rules)
    except (UserInputError, ConflictError) as error:
        return Outcome(name=file.name, result=Result.FAILED, error=error)


def _add(current: Import, file: SourceFile, rules: MetadataRules) -> Outcome:
    data = file.read()
    # Asked before decoding, so that running an import again costs a hash a file.
    known = find_by_sha256(sha256_hex(data))
    if known is not None and known.status == Image.Status.DELETING:
        raise ConflictError("image:conflict:being-deleted")
    if known is None:
        picture = _valid(data, file)
        metadata, problems = _metadata(data, file, rules)
        added = catalog.add_picture(picture, _named(metadata, file, current))
        result = Result.ADDED if added.is_new else Result.DUPLICATES
        return Outcome(file.name, result, added.image_id, problems=problems)
    if _is_unrecorded(known, current):
        return Outcome(file.name, Result.ADDED, known.pk)
    if known.status == Image.Status.FAILED:
        catalog.restore_picture(_valid(data, file))
    # Who adds a picture wants it in the catalogue: one in the bin comes back.
    is_restored = known.binned_at is not None and bool(
        catalog.restore(Image.objects.filter(pk=known.pk), by_id=current.started_by_id)
    )
    catalog.fill_in_path(known, file.path)
    problems = ()
    if rules.known is KnownPolicy.SKIP or _is_hidden(known, current):
        pass
    elif rules.known is KnownPolicy.UPDATE:
        metadata, problems = _metadata(data, file, rules)
        # Where it was first found is kept, with its path.
        said = replace(metadata, source="")
        catalog.update_metadata(known, said, by_id=current.started_by_id)
    else:
        metadata, problems = _metadata(data, file, rules)
        catalog.add_occurrence(known, _named(metadata, file, current))
    return Outcome(
        file.name, Result.DUPLICATES, known.pk, problems=problems, is_restored=is_restored
    )


def _is_hidden(known: Image, current: Import) -> bool:
    """Whether an image is kept from who started the import, and so not theirs to change."""
    person = current.started_by
    return person is not None and known.pk in find_private_to_others([known.pk], person)


def _is_unrecorded(known: Image, current: Import) -> bool:
    """Whether an earlier run of this import added an image and died before that was recorded."""
    is_younger = current.runs > 1 and known.created_at >= current.created_at
    return is_younger and not known.imports.exists()


def _valid(data: bytes, file: SourceFile) -> ValidPicture:
    return validate(data, name=file.name, is_name_binding=file.is_name_binding)


def _metadata(
    data: bytes, file: SourceFile, rules: MetadataRules
) -> tuple[ImageMetadata, tuple[str, ...]]:
    """Return what the source says, else the file; and what of the file's word was left out."""
    said = file.metadata
    if file.is_all_said:
        return said, ()
    embedded = read_embedded(data, sidecar=file.read_sidecar())
    title = _title_from_path(file) if rules.titles_from_paths else embedded.title
    keywords = embedded.keywords if rules.tags_from_keywords else ()
    texts = {name: getattr(said, name) or getattr(embedded, name) for name in _EMBEDDED_TEXTS}
    metadata = replace(
        said,
        **texts,
        title=said.title or title,
        taken_at=said.taken_at or (embedded.taken_at.isoformat() if embedded.taken_at else ""),
        tags=(*said.tags, *keywords),
    )
    return metadata, embedded.problems


def _named(metadata: ImageMetadata, file: SourceFile, current: Import) -> ImageMetadata:
    """Return the metadata with where the file lies, and a title unless all is said."""
    if file.is_all_said:
        return replace(metadata, path=file.path)
    title = metadata.title or _title_from_path(file)
    source = metadata.source or current.source
    return replace(metadata, title=title, source=source, path=file.path)


def _title_from_path(file: SourceFile) -> str:
    return PurePath(file.path or file.name).stem
