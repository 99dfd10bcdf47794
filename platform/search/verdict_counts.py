"""How many of the images found are what to the query: what an answer says first."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from ml.rules.regions import PANEL
from search.groups import Group, ImageHit
from search.verdicts import Verdict

_COPIES = tuple(verdict for verdict in Verdict if verdict.is_proved)
# What is not called a copy, and yet no mere likeness.
_OTHERS = (Verdict.SHARED_DESIGN, Verdict.SAME_SUBJECT)
TOLD = (*_COPIES, *_OTHERS)


@dataclass(frozen=True, slots=True)
class VerdictCounts:
    """Images by what they are to the query, each counted once: at the best rung of all groups.

    Attributes:
        by_verdict: every rung above "similar" → how many.
        may_be_more: whether some group is full to its last place, so that others may have been
            left out.
        parts: of how many pictures a collage, screenshot or comic is made; 0 is a single picture.
        parts_with_copies: those of them that have a copy.
        parts_with_others: those without a copy that have a shared design or the same subject.
    """

    by_verdict: dict[Verdict, int]
    may_be_more: bool
    parts: int
    parts_with_copies: int
    parts_with_others: int

    @property
    def copies(self) -> int:
        """How many are copies."""
        return sum(self.by_verdict[verdict] for verdict in _COPIES)

    @property
    def others(self) -> int:
        """How many share a design or show the same subject."""
        return sum(self.by_verdict[verdict] for verdict in _OTHERS)


def count_verdicts(
    groups: Sequence[Group], *, query_image: UUID | None, limit: int
) -> VerdictCounts:
    """Return the counts of an answer.

    Args:
        groups: what the parts of the query found.
        query_image: the query itself where it is an image of the catalogue: it is not counted.
        limit: images that a group has at most.
    """
    best = _best(hit for group in groups for hit in group.hits if hit.image.pk != query_image)
    counts = Counter(best.values())
    panels = [
        set(_best(hit for hit in group.hits if hit.image.pk != query_image).values())
        for group in groups
        if group.region.kind == PANEL
    ]
    with_copies = [verdicts for verdicts in panels if verdicts & set(_COPIES)]
    with_others = [verdicts for verdicts in panels if verdicts & set(_OTHERS)]
    return VerdictCounts(
        by_verdict={verdict: counts[verdict] for verdict in TOLD},
        may_be_more=any(_is_full(group, limit) for group in groups),
        parts=len(panels),
        parts_with_copies=len(with_copies),
        parts_with_others=sum(not verdicts & set(_COPIES) for verdicts in with_others),
    )


def _best(hits: Iterable[ImageHit]) -> dict[UUID, Verdict]:
    best: dict[UUID, Verdict] = {}
    for hit in hits:
        known = best.get(hit.image.pk)
        if known is None or hit.verdict.rung < known.rung:
            best[hit.image.pk] = hit.verdict
    return best


def _is_full(group: Group, limit: int) -> bool:
    return len(group.hits) >= limit and all(hit.verdict in TOLD for hit in group.hits)
