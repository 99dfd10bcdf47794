"""What leaves the catalogue: a row an image, of what is said of it and of facts of its file.

The columns are a manifest's (`ingestion.sources.manifest`), which passes over the facts.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog import storage
from catalog.models import BulkEdit, Image, Region
from catalog.selectors import list_current_images, list_visible_images
from catalog.visibility import viewer_of

FOLDER = "exports"
KEEP_FOR = timedelta(days=1)

# Said of images, each a column; lists of names after them, and then what is JSON in a table, too.
_TEXTS = (
    *("title", "description", "source", "external_id", "owner", "licence", "rights"),
    *("creator", "credit", "usage_terms", "licensor", "taken_at", "medium"),
)
_LISTS = ("tags", "albums")
_STRUCTURES = ("private_to", "occurrences", "drawn_panels")
_OCCURRENCE = ("source", "path", "title", "external_id")
_FACTS = (
    *("id", "sha256", "format", "width", "height", "file_bytes", "is_damaged", "status"),
    *("error_code", "created_at", "indexed_at", "pdq", "pdq_quality", "regions"),
    "suggested_medium",
)
COLUMNS = ("path", "path_in_source", *_TEXTS, *_LISTS, *_STRUCTURES, *_FACTS)
# In names that cannot stand in a cell beside others: what divides them, and how JSON begins.
_UNDIVIDED = re.compile(r"[;|]|^\[")
# What a spreadsheet takes for a formula, and what is so already: both get an apostrophe before
# them, which the reader of manifests takes off again.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


class ExportFormat(models.TextChoices):
    """What the file is."""

    CSV = "csv", _("Table (CSV)")
    JSONL = "jsonl", _("JSON, a line a picture, with the parts of pictures (JSONL)")
    ZIP = "zip", _("Originals with a manifest, to be taken in again (ZIP)")
    PDQ = "pdq", _("PDQ hashes of all pixels, for ThreatExchange's tools (text)")
    PDQ_TABLE = "pdq_table", _("Both PDQ hashes: of all pixels, and as searches use them (CSV)")


ENDINGS: Mapping[ExportFormat, str] = {
    ExportFormat.CSV: "csv",
    ExportFormat.JSONL: "jsonl",
    ExportFormat.ZIP: "zip",
    ExportFormat.PDQ: "txt",
    ExportFormat.PDQ_TABLE: "csv",
}


def part_name(edit_id: int, number: int) -> str:
    """Return the storage name of a part of an export."""
    return f"{FOLDER}/{edit_id}-{number}"


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file to be downloaded: its name, its size, and what it is stored as, in parts."""

    name: str
    file_bytes: int
    parts: tuple[str, ...]

    def pieces(self) -> Iterator[bytes]:
        """Yield what is in it; errors as in `catalog.storage.read`."""
        for part in self.parts:
            yield from storage.read_pieces(part)


def list_files(edit: BulkEdit) -> tuple[ExportedFile, ...]:
    """Return the files of an export that is done, as long as they are kept."""
    ended_at = edit.finished_at
    is_kept = ended_at is not None and ended_at > timezone.now() - KEEP_FOR
    if edit.kind != BulkEdit.Kind.EXPORT or edit.state != BulkEdit.State.DONE or not is_kept:
        return ()
    chosen = ExportFormat(edit.arguments["format"])
    sizes = edit.arguments["parts"]
    names = tuple(part_name(edit.pk, number) for number in range(len(sizes)))
    stem, ending = f"semblance-{edit.pk}", ENDINGS[chosen]
    if chosen != ExportFormat.ZIP or len(sizes) == 1:
        return (ExportedFile(f"{stem}.{ending}", sum(sizes), names),)
    return tuple(
        ExportedFile(f"{stem}-{number}.{ending}", sizes[number - 1], (names[number - 1],))
        for number in range(1, len(sizes) + 1)
    )


def read_rows(edit_id: int, image_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Return the row of each image that who asked may see, in their order, as `COLUMNS` has them.

    ``pdq`` is the hexadecimal hash of the full image, shrunk, as searches use it; boxes are in
    pixels of the upright original, half-open. ``private_to`` has the groups of those of its albums
    that are private: who sees an image knows all of its albums. ``medium`` is what people say;
    a suggestion stands apart, and is made anew where the export is taken in.
    """
    edit = BulkEdit.objects.select_related("started_by").get(pk=edit_id)
    viewer = viewer_of(edit.started_by, by_account=edit.by_account)
    visible = list_current_images() if viewer is None else list_visible_images(viewer)
    related = ("tags", "albums__groups", "occurrences", "regions")
    images = visible.prefetch_related(*related).in_bulk(image_ids)
    return [_row(images[pk]) for pk in image_ids if pk in images]


def _row(image: Image) -> dict[str, Any]:
    regions = list(image.regions.all())
    full = next((one for one in regions if one.kind == Region.Kind.FULL_IMAGE), None)
    is_suggested = image.is_medium_suggested
    others = {
        "medium": "" if is_suggested else image.medium,
        "suggested_medium": image.medium if is_suggested else "",
        "path": image.path,
        "path_in_source": image.path,
        "id": str(image.pk),
        "tags": [tag.name for tag in image.tags.all()],
        "albums": [album.name for album in image.albums.all()],
        "private_to": _private_to(image),
        "occurrences": [
            {name: getattr(each, name) for name in _OCCURRENCE} for each in image.occurrences.all()
        ],
        "created_at": image.created_at.isoformat(),
        "indexed_at": None if image.indexed_at is None else image.indexed_at.isoformat(),
        "pdq": None if full is None else _hex(full),
        "pdq_quality": None if full is None else full.pdq_quality,
        "regions": [_region(one) for one in regions],
    }
    return {
        column: others[column] if column in others else getattr(image, column) for column in COLUMNS
    }


def _private_to(image: Image) -> dict[str, list[str]] | None:
    """Return album → groups of those that are private; None where the image is for everybody."""
    groups = {
        album.name: sorted(group.name for group in album.groups.all())
        for album in image.albums.all()
    }
    return {album: names for album, names in groups.items() if names} or None


def _region(region: Region) -> dict[str, Any]:
    return {
        "kind": region.kind,
        "number": region.ordinal,
        "box": [region.x0, region.y0, region.x1, region.y1],
        "label": region.label,
        "confidence": region.confidence,
        "pdq": _hex(region),
        "pdq_quality": region.pdq_quality,
    }


def _hex(region: Region) -> str | None:
    return None if region.pdq is None else bytes(region.pdq).hex()


def json_line(row: Mapping[str, Any]) -> str:
    """Return a row as a line of JSON, with its end."""
    return json.dumps(row, ensure_ascii=False) + "\n"


def table_line(row: Mapping[str, Any]) -> str:
    """Return a row as a line of CSV; what is more than a text or a list of names is JSON there."""
    return csv_line(_flat(column, value) for column, value in row.items())


def _flat(column: str, value: Any) -> Any:
    if column in _LISTS and not _UNDIVIDED.search(" ".join(value)):
        return "; ".join(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def csv_line(cells: Iterable[Any]) -> str:
    """Return cells as a line of CSV, with its end; none is a formula to a spreadsheet."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([_cell(cell) for cell in cells])
    return line.getvalue()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if _FORMULA.match(text) else text


def without_apostrophe(cell: str) -> str:
    """Return what `csv_line` has written a cell for."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
