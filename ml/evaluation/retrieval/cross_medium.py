"""The protocol `cross-medium`: queries in one medium, a gallery in another."""

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

from ml.evaluation.datasets import LabelledPicture, read_media
from ml.evaluation.images import EvaluationImage
from ml.evaluation.retrieval.plan import (
    Plan,
    Trial,
    indices_by_key,
    limit_note,
    require_subjects,
    unlabelled,
)

ALL_MEDIA = "all media"


def cross_medium(
    folder: Path, *, distractors: Path | None = None, limit: int | None = None
) -> Plan:
    """Return the plan of queries in one medium and a gallery in another, for every ordered pair.

    In the same medium, and in the gallery of all media mixed, a query is not searched for itself.
    Where there are three media or more, "other media" puts all queries of a different medium
    together.

    Args:
        folder: see `datasets.read_media`.
        distractors: a folder of pictures that show none of the subjects, in every gallery; None has
            none.
        limit: how many pictures of a subject in a medium at most; None takes all.

    Raises:
        EvaluationDataInvalid: see `datasets.read_media`; or there is one subject only.
    """
    pictures = _first_of_each(read_media(folder), lambda p: (p.kind, p.subject), limit)
    require_subjects(pictures, folder)
    others = [] if distractors is None else unlabelled(distractors, "distractor")
    images = (
        *(EvaluationImage(p.name, p.path, p.subject, unit=p.name) for p in pictures),
        *others,
    )
    added = tuple(range(len(pictures), len(images)))
    indices = indices_by_key([picture.kind for picture in pictures])
    media, every = sorted(indices), tuple(range(len(pictures)))
    trials = [
        _medium_trial(query, gallery, indices[query], indices[gallery] + added)
        for gallery in media
        for query in media
    ]
    if len(media) > 2:  # noqa: PLR2004 - with two, "other media" is one of the rows above
        trials += [
            Trial(
                f"other media → {gallery}",
                tuple(index for index in every if pictures[index].kind != gallery),
                indices[gallery] + added,
            )
            for gallery in media
        ]
    if len(media) > 1:
        trials += [
            _medium_trial(query, ALL_MEDIA, indices[query], every + added) for query in media
        ]
        trials.append(Trial(f"{ALL_MEDIA} → {ALL_MEDIA}", every, every + added))
    return Plan(
        "cross-medium",
        images,
        tuple(trials),
        unit="queries",
        distractors=added,
        primary_trial=trials[-1].name,  # all queries in all media, where there are several
        notes=limit_note(limit),
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


def _first_of_each(
    pictures: Sequence[LabelledPicture],
    key: Callable[[LabelledPicture], tuple[str, str]],
    limit: int | None,
) -> list[LabelledPicture]:
    grouped = groupby(sorted(pictures, key=key), key)
    return [picture for _, group in grouped for picture in list(group)[:limit]]
