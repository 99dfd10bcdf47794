"""`manage.py bench headline`: does the page's first sentence say what is so?

Asked of the running site: pictures without any copy in its catalogue, whose headline has to say
so, and edited copies of catalogue pictures, whose headline has to count a copy, which the page has
to mark.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from bench.edits import bordered, captioned, cropped, dimmed, half_mirrored_jpeg60
from bench.pictures import list_pictures
from bench.visitor import Visitor
from catalog import storage
from catalog.models import Image
from kernel.hashing import sha256_hex

EDITS: tuple[Callable[[bytes], bytes], ...] = (
    half_mirrored_jpeg60,
    cropped,
    captioned,
    bordered,
    dimmed,
)


@dataclass(frozen=True, slots=True)
class HeadlineFigures:
    """How often the headline was right.

    Attributes:
        without: queries without a copy in the catalogue.
        said_none: of these, headlines that say that there is none.
        copies: queries that are edited copies.
        named: of these, headlines that count a copy on pages that mark the original as one.
        wrong: names of the queries without a copy whose headline claims one, or of the edited
            copies that were not named.
    """

    without: int
    said_none: int
    copies: int
    named: int
    wrong: tuple[str, ...]


def measure(
    url: str, without: Path, *, copied: Path | None, tries: int, seed: int
) -> HeadlineFigures:
    """Search the site at `url` with pictures of both kinds.

    Args:
        url: the site's address.
        without: a folder of pictures of which the catalogue has no copy.
        copied: a folder of pictures that are in the catalogue; None takes any of these.
        tries: of each kind at most.
        seed: of the choice.

    Raises:
        RuntimeError: the site does not answer, or answers with an error.
        ValueError: a folder has no picture, or none of them is in the catalogue.
    """
    draw = random.Random(seed)  # noqa: S311  # repeatable
    others = list_pictures(without)
    others = draw.sample(others, min(tries, len(others)))
    originals = _originals(copied)
    originals = draw.sample(originals, min(tries, len(originals)))
    wrong = []
    with Visitor(url) as visitor:
        for path in others:
            page = visitor.look(path.read_bytes())
            if not (page.is_checked and page.copies == 0):
                wrong.append(f"{path.name}: {page.headline}")
        said_none = len(others) - len(wrong)
        for number, (image_id, sha256) in enumerate(originals):
            edit = EDITS[number % len(EDITS)]
            page = visitor.look(edit(storage.read(storage.original_name(sha256))))
            if not (page.copies > 0 and str(image_id) in page.proved):
                wrong.append(f"{image_id}, {edit.__name__}: {page.headline}")
    named = len(originals) - (len(wrong) - (len(others) - said_none))
    return HeadlineFigures(len(others), said_none, len(originals), named, tuple(wrong))


def _originals(copied: Path | None) -> Sequence[tuple[UUID, str]]:
    indexed = Image.objects.filter(status=Image.Status.INDEXED).order_by("sha256")
    rows = list(indexed.values_list("pk", "sha256"))
    if copied is not None:
        hashes = {sha256_hex(path.read_bytes()) for path in list_pictures(copied)}
        rows = [row for row in rows if row[1] in hashes]
    if not rows:
        raise ValueError("The catalogue has no such indexed picture.")
    return rows
