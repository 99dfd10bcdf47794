"""How the ends of an import's files are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.timesince import timeuntil
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from catalog import storage
from catalog.models import Image
from catalog.presenters import small_thumbnail_url
from catalog.selectors import find_held, find_images, find_private_to_others
from catalog.visibility import Viewer
from ingestion.models import Import
from ingestion.selectors import seconds_left
from ingestion.services import ImportPlan, Outcome, Result
from kernel.messages import sentence

# Of files that sources pass over.
_KINDS = {
    "video": _("videos"),
    "audio": _("sound"),
    "sidecar": _("sidecar files"),
    "document": _("documents"),
    "archive": _("archives"),
    "machine": _("folders of machines"),
    "hidden": _("hidden files"),
    "link": _("links"),
    "device": _("devices"),
    "closed": _("folders that may not be read"),
    "unnamed": _("files that the manifest does not name"),
    "other": _("other files"),
}


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file of an upload: the image it became or already was, or why it was refused.

    `result` is "restored" of an image that was in the bin.
    """

    name: str
    result: str
    title: str = ""
    url: str = ""
    thumbnail_url: str = ""
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class UploadResult:
    """Every file of an upload in the order it came, and how many ended which way."""

    rows: tuple[FileRow, ...]
    added: int
    duplicates: int
    failed: int


def present_outcomes(outcomes: Sequence[Outcome], viewer: Viewer) -> UploadResult:
    """Return the rows and counts of an upload.

    Of a picture that was there already, and is private to others, that much is said.
    """
    ids = {outcome.image_id for outcome in outcomes if outcome.image_id}
    images = find_images(ids, viewer)
    others = find_private_to_others(ids - set(images), viewer)
    held = find_held(ids - set(images))
    results = [outcome.result for outcome in outcomes]
    return UploadResult(
        rows=tuple(_row(outcome, images, others, held) for outcome in outcomes),
        added=results.count(Result.ADDED),
        duplicates=results.count(Result.DUPLICATES),
        failed=results.count(Result.FAILED),
    )


def _row(
    outcome: Outcome, images: dict[UUID, Image], others: set[UUID], held: set[UUID]
) -> FileRow:
    if outcome.error is not None:
        said = sentence(outcome.error.code, **outcome.error.context)
        return FileRow(name=outcome.name, result=outcome.result.value, sentence=said)
    image = images.get(outcome.image_id) if outcome.image_id else None
    if image is None:  # deleted since it was added or found, or kept from this person or all
        why = "held" if outcome.image_id in held else "being-deleted"
        said = sentence(f"image:conflict:{'private' if outcome.image_id in others else why}")
        return FileRow(name=outcome.name, result=outcome.result.value, sentence=said)
    return FileRow(
        name=outcome.name,
        result="restored" if outcome.is_restored else outcome.result.value,
        title=str(image),
        url=image.get_absolute_url(),
        thumbnail_url=small_thumbnail_url(image),
    )


def present_passed_over(counts: Mapping[str, int]) -> str:
    """Return how many files of each kind a source passed over, the most first; "" of none.

    Args:
        counts: kind, with the ending where it has one ("video .mp4") → files.
    """
    by_count = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{_kind_name(kind)}: {count}" for kind, count in by_count)


def present_plan(plan: ImportPlan) -> list[str]:
    """Return what an import would take in, a sentence a fact."""
    files, size = plan.files, filesizeformat(plan.file_bytes)
    said = [
        gettext("Pictures: {files}.") if plan.is_complete else gettext("Pictures: {files} or more.")
    ]
    if plan.sized == files:
        said.append(gettext("Their files are {size}."))
    elif plan.sized:
        said.append(gettext("The files of {sized} of them are {size}."))
    if plan.read:
        said.append(gettext("Of the first {read}, {known} are there already."))
    if plan.passed_over:
        said.append(gettext("Passed over: {passed_over}."))
    said.append(gettext("Room that they need, roughly: {needed}."))
    free = storage.free_bytes()
    if free is not None:
        said.append(gettext("Room that is left: {free}."))
    values = {
        **{"files": files, "size": size, "sized": plan.sized, "read": plan.read},
        "known": plan.known,
        "passed_over": present_passed_over(plan.passed_over or {}),
        "needed": filesizeformat(plan.needed_bytes),
        "free": filesizeformat(free or 0),
    }
    return [each.format(**values) for each in said]


def present_reading(current: Import) -> str:
    """Return how many files of an import were read, how fast, and how long it will go on."""
    said = [gettext("{found} of {total}") if current.total else "{found}"]
    if current.state == Import.State.RUNNING:
        if current.is_waiting:
            said.append(gettext("waiting for the workers"))
        if current.rate:
            said.append(gettext("{rate} a second"))
        left_s = seconds_left(current)
        if left_s is not None:
            said.append(gettext("{left} left"))
    now = timezone.now()
    return " · ".join(said).format(
        found=current.found,
        total=current.total,
        rate=number_format(current.rate or 0, 1),
        left=timeuntil(now + timedelta(seconds=max(60, seconds_left(current) or 0)), now, depth=1),
    )


def _kind_name(kind: str) -> str:
    word, _blank, ending = kind.partition(" ")
    name = gettext(_KINDS[word])
    return f"{name} ({ending})" if ending else name
