"""The plan of edited copies, which are searched for among originals and distractors."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ml.copies.made import edits
from ml.errors import EvaluationDataInvalid
from ml.evaluation.datasets import LABELS, list_pictures, read_bytes, read_copies
from ml.evaluation.images import EvaluationImage, Make
from ml.evaluation.retrieval.plan import (
    Plan,
    Trial,
    first_subjects,
    indices_by_key,
    limit_note,
    unlabelled,
)
from ml.images.decode import decode
from ml.rules.limits import MAX_PIXELS

# Of a picture that copies are made of: turned, it fills a square as wide as it is long, over 1 GB
# beyond this; and no JPEG is much longer.
_MAX_SIDE_PX = 20_000
ORIGINAL, ANY_EDIT = "orig", "any edit"


def copies(
    folder: Path,
    *,
    distractors: Path | None = None,
    limit: int | None = None,
    rng: np.random.Generator,
    grid: Sequence[edits.Edit] = edits.GRID,
) -> Plan:
    """Return the plan of edited copies, searched for among originals and distractors.

    Args:
        folder: see `datasets.read_copies`; or any folder of pictures, of which copies are then made
            with each edit of `grid`.
        distractors: a folder of pictures of which no query is a copy.
        limit: how many originals at most; None takes all. Distractors are not limited.
        rng: decides what the made edits do; not used where copies are given.
        grid: the edits that copies are made with; not used where they are given.

    Raises:
        EvaluationDataInvalid: a folder is missing, empty or of another shape; or there are fewer
            than two entries to search.
    """
    others = [] if distractors is None else unlabelled(distractors, "distractor")
    if (folder / LABELS).is_file():
        originals, queries = _given_copies(folder, limit)
    else:
        hosts = [image.path for image in others]
        originals, queries = _made_copies(folder, limit, rng, grid, hosts=hosts)
    if len(originals) + len(others) < 2:  # noqa: PLR2004 - a choice needs two
        raise EvaluationDataInvalid(
            f"{folder} has one original only; name a folder of distractors.", folder=str(folder)
        )
    images = [*originals, *others, *(image for _, image in queries)]
    gallery = tuple(range(len(originals) + len(others)))
    by_edit = indices_by_key([name for name, _ in queries], start=len(gallery))
    every = tuple(range(len(gallery), len(images)))
    trials = [Trial(ANY_EDIT, every, gallery, ANY_EDIT, ANY_EDIT, shows_failures=True)]
    trials += [
        Trial(name, indices, gallery, panel=_family(name), line=name)
        for name, indices in by_edit.items()
    ]
    return Plan(
        "copies",
        tuple(images),
        tuple(trials),
        unit="originals",
        primary_trial=ANY_EDIT,
        distractors=tuple(range(len(originals), len(gallery))),
        notes=limit_note(limit),
    )


def _given_copies(
    folder: Path, limit: int | None
) -> tuple[list[EvaluationImage], list[tuple[str, EvaluationImage]]]:
    pictures = first_subjects(read_copies(folder), limit)
    images = [
        (p.kind, EvaluationImage(p.name, p.path, p.subject, unit=p.subject)) for p in pictures
    ]
    originals = [image for kind, image in images if kind == ORIGINAL]
    queries = [(kind, image) for kind, image in images if kind != ORIGINAL]
    if not originals or not queries:
        raise EvaluationDataInvalid(
            f"{folder} needs originals (the edit {ORIGINAL!r}) and edited copies of them.",
            folder=str(folder),
        )
    return originals, queries


def _made_copies(
    folder: Path,
    limit: int | None,
    rng: np.random.Generator,
    grid: Sequence[edits.Edit],
    *,
    hosts: Sequence[Path],
) -> tuple[list[EvaluationImage], list[tuple[str, EvaluationImage]]]:
    """Return originals and copies; a picture is pasted into the next, a lone one into a host."""
    paths = _spread(list_pictures(folder), limit)
    originals, queries = [], []
    for index, path in enumerate(paths):
        name = path.relative_to(folder).as_posix()
        originals.append(EvaluationImage(name, path, subject=name, unit=name))
        host = paths[(index + 1) % len(paths)] if len(paths) > 1 else next(iter(hosts), path)
        for edit in grid:
            seed = int(rng.integers(2**63))
            is_pasted = edit.apply is edits.place_inside
            image = EvaluationImage(
                f"{name} ({edit.name})",
                path,
                subject=name,
                unit=name,
                make=_edited(edit, seed, host),
                also_shows=host if is_pasted else None,
            )
            queries.append((edit.name, image))
    return originals, queries


def _spread(paths: Sequence[Path], limit: int | None) -> list[Path]:
    """Return at most `limit`, evenly from all: neighbours in a folder are often alike."""
    count = len(paths) if limit is None else min(limit, len(paths))
    return [paths[index * len(paths) // count] for index in range(count)]


def _edited(edit: edits.Edit, seed: int, host: Path) -> Make:
    def make(image: Image.Image) -> Image.Image:
        if max(image.size) > _MAX_SIDE_PX:
            raise EvaluationDataInvalid(
                f"No copies are made of a picture of {image.width} × {image.height} pixels; either"
                f" side has to be {_MAX_SIDE_PX} at most."
            )
        other = image
        if edit.apply is edits.place_inside:
            other = decode(read_bytes(host), max_pixels=MAX_PIXELS)
        return edit.apply(image, edit.strength, np.random.default_rng(seed), other)

    return make


def _family(edit: str) -> str:
    """Return an edit's name without its strength."""
    return re.sub(r"\d+$", "", edit)
