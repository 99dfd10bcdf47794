"""How the ends of an import's files are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from catalog.models import Image
from catalog.presenters import thumbnail_url
from catalog.selectors import find_images
from ingestion.services import Outcome, Result
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
    "unnamed": _("files that the manifest does not name"),
    "other": _("other files"),
}


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file of an upload: the image it became or already was, or why it was refused."""

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


def present_outcomes(outcomes: Sequence[Outcome]) -> UploadResult:
    """Return the rows and counts of an upload, in one query."""
    images = find_images(outcome.image_id for outcome in outcomes if outcome.image_id)
    results = [outcome.result for outcome in outcomes]
    return UploadResult(
        rows=tuple(_row(outcome, images) for outcome in outcomes),
        added=results.count(Result.ADDED),
        duplicates=results.count(Result.DUPLICATES),
        failed=results.count(Result.FAILED),
    )


def _row(outcome: Outcome, images: dict[UUID, Image]) -> FileRow:
    if outcome.error is not None:
        said = sentence(outcome.error.code, **outcome.error.context)
        return FileRow(name=outcome.name, result=outcome.result.value, sentence=said)
    image = images.get(outcome.image_id) if outcome.image_id else None
    if image is None:  # deleted since it was added or found
        said = sentence("image:conflict:being-deleted")
        return FileRow(name=outcome.name, result=outcome.result.value, sentence=said)
    return FileRow(
        name=outcome.name,
        result=outcome.result.value,
        title=str(image),
        url=image.get_absolute_url(),
        thumbnail_url=thumbnail_url(image),
    )


def present_passed_over(counts: Mapping[str, int]) -> str:
    """Return how many files of each kind a source passed over, the most first; "" of none.

    Args:
        counts: kind, with the ending where it has one ("video .mp4") → files.
    """
    by_count = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{_kind_name(kind)}: {count}" for kind, count in by_count)


def _kind_name(kind: str) -> str:
    word, _blank, ending = kind.partition(" ")
    name = gettext(_KINDS[word])
    return f"{name} ({ending})" if ending else name
