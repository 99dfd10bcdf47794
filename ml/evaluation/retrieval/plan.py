"""Protocols: which pictures are asked with, which are searched, and what counts as right.

A protocol turns labelled pictures into a `Plan`: the views that are embedded, once each, and the
trials over them. It reads file names and labels, and no picture.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

import numpy as np
from PIL import Image

from ml.errors import EvaluationDataInvalid
from ml.evaluation.copies import edits
from ml.evaluation.datasets import (
    LABELS,
    LabelledPicture,
    list_pictures,
    read_bytes,
    read_copies,
    read_media,
    read_scenes,
)
from ml.images.decode import decode
from ml.types import Box

# Larger than any camera's picture; a file that declares more is reported and left out.
MAX_PIXELS = 120_000_000
# Of a picture that copies are made of: turned, it fills a square as wide as it is long, over 1 GB
# beyond this; and no JPEG is much longer.
_MOST_SIDE_PX = 20_000
ORIGINAL, PLAIN = "orig", "plain"
ALL_MEDIA = "all media"

Make = Callable[[Image.Image], Image.Image]


def as_it_is(image: Image.Image) -> Image.Image:
    """Return the picture itself."""
    return image


@dataclass(frozen=True, slots=True)
class View:
    """What is embedded: a picture, or something made of it.

    Attributes:
        name: what a report calls it; unique in a plan.
        path: the file it is made of.
        subject: equal subjects make a positive pair; None (a distractor) makes none.
        unit: views of the same unit are drawn together by the bootstrap.
        make: upright RGB picture → upright RGB picture; does the same every time.
        also_shows: another file that is partly to be seen; the pair is neither right nor wrong.
    """

    name: str
    path: Path
    subject: str | None
    unit: str
    make: Make = as_it_is
    also_shows: Path | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One row of the table: queries searched in a gallery.

    A query that is in the gallery too is not searched for itself.

    Attributes:
        name: its row.
        queries: places in `Plan.views`.
        gallery: likewise.
        panel: which plot its curve is drawn in; None leaves the curve out.
        line: what the curve is called there.
        shows_failures: whether the failure sheet takes queries from it.
    """

    name: str
    queries: tuple[int, ...]
    gallery: tuple[int, ...]
    panel: str | None = None
    line: str = ""
    shows_failures: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a protocol asks.

    Attributes:
        protocol: its name.
        views: what is embedded.
        trials: over the views.
        unit: what the bootstrap draws, as a plural.
        distractors: places of the views that answer nothing.
        background: places of the views that scores are normalised against.
        notes: sentences for the report.
    """

    protocol: str
    views: tuple[View, ...]
    trials: tuple[Trial, ...]
    unit: str
    distractors: tuple[int, ...] = ()
    background: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def cross_medium(folder: Path, *, limit: int | None = None) -> Plan:
    """Return the plan of queries in one medium and a gallery in another, for every ordered pair.

    In the same medium, and in the gallery of all media mixed, a query is not searched for itself.
    Where there are three media or more, "other media" puts all queries of a different medium
    together.

    Args:
        folder: see `datasets.read_media`.
        limit: most pictures of a subject in a medium; None takes all.

    Raises:
        EvaluationDataInvalid: see `datasets.read_media`; or there is one subject only.
    """
    pictures = _first_of_each(read_media(folder), lambda p: (p.kind, p.subject), limit)
    _require_subjects(pictures, folder)
    views = tuple(View(p.name, p.path, p.subject, unit=p.name) for p in pictures)
    places = _places_by_key([picture.kind for picture in pictures])
    media, every = sorted(places), tuple(range(len(views)))
    trials = [
        _medium_trial(query, gallery, places[query], places[gallery])
        for gallery in media
        for query in media
    ]
    if len(media) > 2:  # noqa: PLR2004 - with two, "other media" is one of the rows above
        trials += [
            Trial(
                f"other media → {gallery}",
                tuple(place for place in every if pictures[place].kind != gallery),
                places[gallery],
            )
            for gallery in media
        ]
    if len(media) > 1:
        trials += [_medium_trial(query, ALL_MEDIA, places[query], every) for query in media]
        trials.append(Trial(f"{ALL_MEDIA} → {ALL_MEDIA}", every, every))
    return Plan("cross-medium", views, tuple(trials), unit="queries", notes=_limit_note(limit))


def background(folder: Path, *, limit: int | None = None) -> Plan:
    """Return the plan of a subject on other backgrounds, searched among the plain subjects.

    Each variant is asked with as the whole picture and cropped to the given box of the subject; the
    gallery is the whole plain pictures.

    Args:
        folder: see `datasets.read_scenes`; the variant "plain" is the gallery.
        limit: most subjects; None takes all.

    Raises:
        EvaluationDataInvalid: see `datasets.read_scenes`; or no plain or no other picture.
    """
    pictures = _first_subjects(read_scenes(folder), limit)
    _require_subjects(pictures, folder)
    plain = [picture for picture in pictures if picture.kind == PLAIN]
    scenes = [picture for picture in pictures if picture.kind != PLAIN]
    if not plain or not scenes:
        raise EvaluationDataInvalid(
            f"{folder} needs pictures of the variant {PLAIN!r} and of others.", folder=str(folder)
        )
    views = [View(p.name, p.path, p.subject, unit=p.subject) for p in plain]
    gallery = tuple(range(len(views)))
    trials = []
    for way, cut in (("whole", None), ("cropped", _to_box)):
        start = len(views)
        views += [
            View(f"{p.name} ({way})", p.path, p.subject, p.subject, cut(p.box) if cut else as_it_is)
            for p in scenes
        ]
        places = tuple(range(start, len(views)))
        trials.append(
            Trial(
                f"any scene, {way} → plain",
                places,
                gallery,
                panel="scene → plain",
                line=way,
                shows_failures=True,
            )
        )
        for variant in dict.fromkeys(p.kind for p in scenes):
            chosen = tuple(
                place for place, p in zip(places, scenes, strict=True) if p.kind == variant
            )
            trials.append(Trial(f"{variant}, {way} → plain", chosen, gallery))
    return Plan("background", tuple(views), tuple(trials), "subjects", notes=_limit_note(limit))


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
        limit: most originals; None takes all. Distractors are not limited.
        rng: decides what the made edits do; not used where copies are given.
        grid: the edits that copies are made with; not used where they are given.

    Raises:
        EvaluationDataInvalid: a folder is missing, empty or of another shape; or there are fewer
            than two entries to search.
    """
    others = [] if distractors is None else _unlabelled(distractors, "distractor")
    if (folder / LABELS).is_file():
        originals, queries = _given_copies(folder, limit)
    else:
        hosts = [view.path for view in others]
        originals, queries = _made_copies(folder, limit, rng, grid, hosts=hosts)
    if len(originals) + len(others) < 2:  # noqa: PLR2004 - a choice needs two
        raise EvaluationDataInvalid(
            f"{folder} has one original only; name a folder of distractors.", folder=str(folder)
        )
    views = [*originals, *others, *(view for _, view in queries)]
    gallery = tuple(range(len(originals) + len(others)))
    by_edit = _places_by_key([name for name, _ in queries], start=len(gallery))
    every = tuple(range(len(gallery), len(views)))
    trials = [Trial("any edit", every, gallery, "any edit", "any edit", shows_failures=True)]
    trials += [
        Trial(name, places, gallery, panel=_family(name), line=name)
        for name, places in by_edit.items()
    ]
    return Plan(
        "copies",
        tuple(views),
        tuple(trials),
        unit="originals",
        distractors=tuple(range(len(originals), len(gallery))),
        notes=_limit_note(limit),
    )


def with_background(plan: Plan, folder: Path) -> Plan:
    """Return the plan with the pictures of a folder, which scores are normalised against.

    Raises:
        EvaluationDataInvalid: the folder is missing or empty.
    """
    added = _unlabelled(folder, "background")
    start = len(plan.views)
    return replace(
        plan,
        views=(*plan.views, *added),
        background=tuple(range(start, start + len(added))),
    )


def _medium_trial(
    query: str, gallery: str, queries: tuple[int, ...], entries: tuple[int, ...]
) -> Trial:
    return Trial(
        f"{query} → {gallery}",
        queries,
        entries,
        panel=f"gallery: {gallery}",
        line=query,
        shows_failures=gallery not in (query, ALL_MEDIA),
    )


def _places_by_key(keys: Sequence[str], *, start: int = 0) -> dict[str, tuple[int, ...]]:
    """Return key → its places, counted from `start`; keys in the order they appear in."""
    places: dict[str, list[int]] = {}
    for place, key in enumerate(keys, start=start):
        places.setdefault(key, []).append(place)
    return {key: tuple(found) for key, found in places.items()}


def _given_copies(folder: Path, limit: int | None) -> tuple[list[View], list[tuple[str, View]]]:
    pictures = _first_subjects(read_copies(folder), limit)
    views = [(p.kind, View(p.name, p.path, p.subject, unit=p.subject)) for p in pictures]
    originals = [view for kind, view in views if kind == ORIGINAL]
    queries = [(kind, view) for kind, view in views if kind != ORIGINAL]
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
) -> tuple[list[View], list[tuple[str, View]]]:
    """Return originals and copies; a picture is pasted into the next, a lone one into a host."""
    paths = _spread(list_pictures(folder), limit)
    originals, queries = [], []
    for index, path in enumerate(paths):
        name = path.relative_to(folder).as_posix()
        originals.append(View(name, path, subject=name, unit=name))
        host = paths[(index + 1) % len(paths)] if len(paths) > 1 else next(iter(hosts), path)
        for edit in grid:
            seed = int(rng.integers(2**63))
            is_pasted = edit.apply is edits.place_inside
            view = View(
                f"{name} ({edit.name})",
                path,
                subject=name,
                unit=name,
                make=_edited(edit, seed, host),
                also_shows=host if is_pasted else None,
            )
            queries.append((edit.name, view))
    return originals, queries


def _spread(paths: Sequence[Path], limit: int | None) -> list[Path]:
    """Return at most `limit`, evenly from all: neighbours in a folder are often alike."""
    count = len(paths) if limit is None else min(limit, len(paths))
    return [paths[index * len(paths) // count] for index in range(count)]


def _edited(edit: edits.Edit, seed: int, host: Path) -> Make:
    def make(image: Image.Image) -> Image.Image:
        if max(image.size) > _MOST_SIDE_PX:
            raise EvaluationDataInvalid(
                f"No copies are made of a picture of {image.width} × {image.height} pixels; either"
                f" side has to be {_MOST_SIDE_PX} at most."
            )
        other = image
        if edit.apply is edits.place_inside:
            other = decode(read_bytes(host), max_pixels=MAX_PIXELS)
        return edit.apply(image, edit.strength, np.random.default_rng(seed), other)

    return make


def _to_box(box: Box | None) -> Make:
    def make(image: Image.Image) -> Image.Image:
        if box is None or box.x1 > image.width or box.y1 > image.height:
            raise EvaluationDataInvalid(
                f"The box of the subject reaches beyond the {image.width} × {image.height} pixels."
            )
        return image.crop((box.x0, box.y0, box.x1, box.y1))

    return make


def _unlabelled(folder: Path, role: str) -> list[View]:
    return [
        View(f"{role}: {name}", path, subject=None, unit=name)
        for path in list_pictures(folder)
        for name in [path.relative_to(folder).as_posix()]
    ]


def _family(edit: str) -> str:
    """Return an edit's name without its strength."""
    return re.sub(r"\d+$", "", edit)


def _first_of_each(
    pictures: Sequence[LabelledPicture],
    key: Callable[[LabelledPicture], tuple[str, str]],
    limit: int | None,
) -> list[LabelledPicture]:
    grouped = groupby(sorted(pictures, key=key), key)
    return [picture for _, group in grouped for picture in list(group)[:limit]]


def _first_subjects(
    pictures: Sequence[LabelledPicture], limit: int | None
) -> list[LabelledPicture]:
    chosen = set(list(dict.fromkeys(picture.subject for picture in pictures))[:limit])
    return [picture for picture in pictures if picture.subject in chosen]


def _require_subjects(pictures: Sequence[LabelledPicture], folder: Path) -> None:
    subjects = {picture.subject for picture in pictures}
    if len(subjects) < 2:  # noqa: PLR2004 - with one, every answer is right
        raise EvaluationDataInvalid(
            f"{folder} shows one subject only ({', '.join(subjects)}), so every answer is right.",
            folder=str(folder),
        )


def _limit_note(limit: int | None) -> tuple[str, ...]:
    return () if limit is None else (f"A quick try: limited to {limit}; not the whole data.",)
