"""Files of an import: read, looked for, and added where they are new."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from catalog import services as catalog
from catalog.models import CopyCheck, Image
from catalog.selectors import find_by_sha256s, find_private_to_others
from catalog.services import CopyRule, ImageMetadata, IsCopy, NewPicture
from catalog.services.waiting import lock
from catalog.validation import ValidPicture, validate
from catalog.visibility import viewer_of
from ingestion.embedded import read_embedded
from ingestion.models import Import
from ingestion.sources import SourceFile
from kernel.errors import ConflictError, DefectError, UserInputError
from kernel.hashing import sha256_hex

_EMBEDDED_TEXTS = ("description", "creator", "credit", "rights", "usage_terms", "licensor")


class Result(StrEnum):
    """How one file of an import ended; also the name of its counter."""

    ADDED = "added"
    DUPLICATES = "duplicates"
    BINNED = "binned"
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
    error: UserInputError | ConflictError | DefectError | None = None
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


class CopyPolicy(StrEnum):
    """What becomes of a new picture that is proved to be a copy of one that is there (ADR 30)."""

    TAKE_IN = "take-in"
    HOLD = "hold"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class MetadataRules:
    """What an import does with its pictures, and with what is said of them.

    A source's own word goes before what the files say of themselves.

    Attributes:
        known: what becomes of pictures that are there already.
        copies: what becomes of new ones that are copies.
        tags_from_keywords: whether the keywords in the files become tags.
        titles_from_paths: whether the last part of the path goes before a title in the file.
        restores_binned: whether pictures that are in the bin come back; else they are left there,
            as they are, and so are those that are private to others.
    """

    known: KnownPolicy = KnownPolicy.SKIP
    copies: CopyPolicy = CopyPolicy.TAKE_IN
    tags_from_keywords: bool = False
    titles_from_paths: bool = False
    restores_binned: bool = False


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
        if "copies" in rules:
            rules["copies"] = CopyPolicy(rules["copies"])
        return cls(rules=MetadataRules(**rules), **said)


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file whose bytes have been read, and the XMP file beside it; or why they are not."""

    file: SourceFile
    data: bytes = b""
    sidecar: bytes | None = None
    sha256: str = ""
    error: UserInputError | DefectError | None = None


@dataclass(frozen=True, slots=True)
class PreparedFile:
    """A file that needs only its rows; or why it is refused.

    `picture` is valid and stored; None of a file that the catalogue has. `metadata` is None where
    what is said of it changes nothing.
    """

    file: SourceFile
    sha256: str = ""
    picture: ValidPicture | None = None
    metadata: ImageMetadata | None = None
    problems: tuple[str, ...] = ()
    error: UserInputError | ConflictError | DefectError | None = None


def read_file(file: SourceFile) -> ReadFile:
    """Read one file; one that cannot be read is one, too."""
    try:
        data = file.read()
    except UserInputError as error:
        return ReadFile(file, error=error)
    sidecar = None if file.is_all_said else file.read_sidecar()
    return ReadFile(file, data, sidecar, sha256_hex(data))


def refuse_open_albums(read: ReadFile) -> ReadFile:
    """Return the file; refused where its albums have to be private, and are not and cannot be made.

    To be asked of files that are new, before they are stored.
    """
    try:
        catalog.make_private_albums(read.file.metadata)
    except UserInputError as error:
        return ReadFile(read.file, error=error)
    return read


def prepare(read: ReadFile, known: Image | None, rules: MetadataRules) -> PreparedFile:
    """Decode and store what is new, and read what it says of itself. Threads may do it.

    Args:
        read: the file.
        known: the image of the same content, as it was found.
        rules: what is done with what is said of it.

    Raises:
        TransientError: the storage is full or out of reach.
    """
    file = read.file
    if read.error is not None:
        return PreparedFile(file, error=read.error)
    picture, metadata = None, None
    problems: tuple[str, ...] = ()
    try:
        if known is None or known.status == Image.Status.FAILED:
            picture = validate(
                read.data,
                name=file.name,
                is_name_binding=file.is_name_binding,
                sha256=read.sha256,
            )
            panels = file.metadata.drawn_panels
            catalog.usable_panels(panels, width=picture.width, height=picture.height)
            catalog.store_files(picture)
    except UserInputError as error:
        return PreparedFile(file, error=error)
    if known is None or rules.known is not KnownPolicy.SKIP:
        metadata, problems = _metadata(read, rules)
    return PreparedFile(file, read.sha256, picture, metadata, problems)


def add_files(
    current: Import, files: Sequence[PreparedFile], rules: MetadataRules
) -> list[Outcome]:
    """Add what is new, and do to what is known as the rules say; return each file's end, in order.

    Runs in its caller's transaction: files whose rows are not committed are taken in again.
    """
    new = _add_new(current, files, rules)
    outcomes = [_added_or_refused(each, new) for each in files]
    rest = [each for each, outcome in zip(files, outcomes, strict=True) if outcome is None]
    met = iter(_meet_all(current, rest, rules))
    return [next(met) if outcome is None else outcome for outcome in outcomes]


def _add_new(
    current: Import, files: Sequence[PreparedFile], rules: MetadataRules
) -> dict[str, UUID]:
    """Return content hash → image of those that were added; of several files alike, the first."""
    new: dict[str, NewPicture] = {}
    for each in files:
        if each.picture is not None and each.metadata is not None:
            said = _named(each.metadata, each.file, current)
            rule = _copy_rule(each.file, current, rules)
            new.setdefault(each.sha256, NewPicture(each.picture, said, rule))
    added = catalog.add_pictures(new.values()) if new else {}
    return {sha256: each.image_id for sha256, each in added.items() if each.is_new}


def _added_or_refused(file: PreparedFile, new: dict[str, UUID]) -> Outcome | None:
    """Return a file's end, and take its image out of the new ones; None of one that is known."""
    if file.error is not None:
        return Outcome(file.file.name, Result.FAILED, error=file.error)
    image_id = new.pop(file.sha256, None)
    if image_id is None:
        return None
    return Outcome(file.file.name, Result.ADDED, image_id, problems=file.problems)


def _meet_all(
    current: Import, files: Sequence[PreparedFile], rules: MetadataRules
) -> list[Outcome]:
    """Return the ends of files whose images are there already, or were a moment ago."""
    # Locked, since another import may write the same ones in another order.
    lock(Image.objects.filter(sha256__in=[each.sha256 for each in files]))
    images = find_by_sha256s(each.sha256 for each in files)
    refusals: Mapping[UUID, IsCopy] = {}
    if rules.copies is not CopyPolicy.TAKE_IN:
        refusals = catalog.find_refusals(image.pk for image in images.values())
    not_theirs: set[UUID] = set()
    is_some_binned = any(image.binned_at is not None for image in images.values())
    if rules.known is not KnownPolicy.SKIP or (rules.restores_binned and is_some_binned):
        not_theirs = _not_theirs(images.values(), current)
    outcomes = []
    for each in files:
        image = images.get(each.sha256)
        if image is None or image.status == Image.Status.DELETING:
            error = ConflictError("image:conflict:being-deleted")
            outcomes.append(Outcome(each.file.name, Result.FAILED, error=error))
        elif image.pk in refusals:
            error = refusals[image.pk]
            outcomes.append(Outcome(each.file.name, Result.FAILED, error=error))
        elif image.binned_at is not None and (not rules.restores_binned or image.pk in not_theirs):
            outcomes.append(Outcome(each.file.name, Result.BINNED, image.pk))
        else:
            is_theirs = image.pk not in not_theirs
            file = each if is_theirs else replace(each, metadata=None)
            try:
                outcomes.append(_meet(image, file, current, rules))
            except UserInputError as refused:
                outcomes.append(Outcome(each.file.name, Result.FAILED, error=refused))
    return outcomes


def _meet(known: Image, file: PreparedFile, current: Import, rules: MetadataRules) -> Outcome:
    """Do to an image what the rules say, since its file has come again."""
    if known.status == Image.Status.FAILED and file.picture is not None:
        # Its files, which may have been lost, are stored again.
        catalog.request_indexing(Image.objects.filter(pk=known.pk))
    is_restored = known.binned_at is not None and bool(
        catalog.restore(Image.objects.filter(pk=known.pk), by_id=current.started_by_id)
    )
    catalog.fill_in_path(known, file.file.path)
    if file.metadata is not None and rules.known is KnownPolicy.UPDATE:
        # Where it was first found is kept, with its path.
        said = replace(file.metadata, source="")
        catalog.update_metadata(known, said, by_id=current.started_by_id)
    elif file.metadata is not None and rules.known is KnownPolicy.KEEP:
        catalog.add_occurrence(known, _named(file.metadata, file.file, current))
    problems = file.problems if rules.known is not KnownPolicy.SKIP else ()
    return Outcome(
        *(file.file.name, Result.DUPLICATES, known.pk),
        problems=problems,
        is_restored=is_restored,
    )


def _copy_rule(file: SourceFile, current: Import, rules: MetadataRules) -> CopyRule | None:
    if rules.copies is CopyPolicy.TAKE_IN:
        return None
    policy = CopyCheck.Policy(rules.copies.value)
    return CopyRule(policy, import_id=current.pk, file_name=file.name)


def _not_theirs(images: Iterable[Image], current: Import) -> set[UUID]:
    """Return those images that are kept from who started the import, and not theirs to change."""
    # Asked again each time: a command runs for hours, and the account may be closed meanwhile.
    row = Import.objects.select_related("started_by").get(pk=current.pk)
    viewer = viewer_of(row.started_by, by_account=row.by_account)
    if viewer is None:
        return set()
    return find_private_to_others((image.pk for image in images), viewer)


def _metadata(read: ReadFile, rules: MetadataRules) -> tuple[ImageMetadata, tuple[str, ...]]:
    """Return what the source says, else the file; and what of the file's word was left out."""
    file, said = read.file, read.file.metadata
    if file.is_all_said:
        return said, ()
    embedded = read_embedded(read.data, sidecar=read.sidecar)
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
