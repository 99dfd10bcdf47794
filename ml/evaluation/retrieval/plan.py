"""What a retrieval asks: images, and trials over them.

A plan is made of file names and labels; no picture is read for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ml.errors import EvaluationDataInvalid
from ml.evaluation.datasets import LabelledPicture, list_pictures
from ml.evaluation.images import EvaluationImage


@dataclass(frozen=True, slots=True)
class Trial:
    """One row of the table: queries searched in a gallery.

    A query that is in the gallery too is not searched for itself.

    Attributes:
        name: its row.
        queries: indices in `Plan.images`.
        gallery: indices in `Plan.images`.
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
        images: what is embedded.
        trials: over the images.
        unit: what the bootstrap draws, as a plural.
        primary_trial: name of the trial that the primary metric is of.
        distractors: indices of the images that answer nothing.
        background: indices of the images that scores are normalised against.
        notes: sentences for the report.
    """

    protocol: str
    images: tuple[EvaluationImage, ...]
    trials: tuple[Trial, ...]
    unit: str
    primary_trial: str
    distractors: tuple[int, ...] = ()
    background: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def with_background(plan: Plan, folder: Path) -> Plan:
    """Return the plan with the pictures of a folder, which scores are normalised against.

    Raises:
        EvaluationDataInvalid: the folder is missing or empty.
    """
    added = unlabelled(folder, "background")
    start = len(plan.images)
    return replace(
        plan,
        images=(*plan.images, *added),
        background=tuple(range(start, start + len(added))),
    )


def unlabelled(folder: Path, role: str) -> list[EvaluationImage]:
    """Return the pictures of a folder as images of no subject, named after their role.

    Raises:
        EvaluationDataInvalid: the folder is missing or empty.
    """
    return [
        EvaluationImage(f"{role}: {name}", path, subject=None, unit=name)
        for path in list_pictures(folder)
        for name in [path.relative_to(folder).as_posix()]
    ]


def indices_by_key(keys: Sequence[str], *, start: int = 0) -> dict[str, tuple[int, ...]]:
    """Return key → its indices, counted from `start`; keys in the order they appear in."""
    indices: dict[str, list[int]] = {}
    for index, key in enumerate(keys, start=start):
        indices.setdefault(key, []).append(index)
    return {key: tuple(found) for key, found in indices.items()}


def first_subjects(pictures: Sequence[LabelledPicture], limit: int | None) -> list[LabelledPicture]:
    """Return the pictures of the first subjects, `limit` of them at most; None takes all."""
    chosen = set(list(dict.fromkeys(picture.subject for picture in pictures))[:limit])
    return [picture for picture in pictures if picture.subject in chosen]


def require_subjects(pictures: Sequence[LabelledPicture], folder: Path) -> None:
    """Return if the pictures of a folder show two subjects or more.

    Raises:
        EvaluationDataInvalid: they show one.
    """
    subjects = {picture.subject for picture in pictures}
    if len(subjects) < 2:  # noqa: PLR2004 - with one, every answer is right
        raise EvaluationDataInvalid(
            f"{folder} shows one subject only ({', '.join(subjects)}), so every answer is right.",
            folder=str(folder),
        )


def limit_note(limit: int | None) -> tuple[str, ...]:
    """Return the note that the data were limited, where they were."""
    return () if limit is None else (f"A quick try: limited to {limit}; not the whole data.",)
