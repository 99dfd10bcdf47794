"""How often each verdict was right, as far as people have decided."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from django.db.models import QuerySet

from ml.rules.proportions import wilson_interval
from review.models import Decision
from search.verdicts import Verdict

Judgement = Decision.Judgement

# What a verdict claims: decisions that bear it out. "Similar" claims nothing.
_BORNE_OUT = {
    Verdict.IDENTICAL: {Judgement.COPY},
    Verdict.NEAR_IDENTICAL: {Judgement.COPY},
    Verdict.EDITED_COPY: {Judgement.COPY},
    Verdict.SHARED_DESIGN: {Judgement.COPY, Judgement.SAME_SUBJECT},
    Verdict.SAME_SUBJECT: {Judgement.COPY, Judgement.SAME_SUBJECT},
}
_READ_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class RungPrecision:
    """What people decided about the hits of one verdict.

    A pair that several people decided about alike counts once; one that they do not agree about
    only in `disputed`.

    Attributes:
        verdict: the rung.
        copies, same_subjects, different: pairs by what was decided.
        disputed: pairs that are decided both ways.
        right: pairs that are what the verdict claims; None where it claims nothing.
        interval: what the share of these may be, 95%; None where it claims nothing, or of no pairs.
    """

    verdict: Verdict
    copies: int
    same_subjects: int
    different: int
    disputed: int
    right: int | None
    interval: tuple[float, float] | None

    @property
    def pairs(self) -> int:
        """How many are agreed about."""
        return self.copies + self.same_subjects + self.different

    @property
    def precision(self) -> float | None:
        """The share that is right, 0..1; None as `interval`."""
        return None if self.right is None or self.pairs == 0 else self.right / self.pairs


def precision_of_rungs(
    decisions: QuerySet[Decision],
) -> dict[int, tuple[RungPrecision, ...]]:
    """Return encoder version → each verdict that was decided about, the best rung first."""
    pair = ("encoder_version", "shown_verdict", "query_sha256", "query_box", "image")
    rows = decisions.order_by(*pair).values_list(*pair, "judgement")
    counts: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    for key, of_pair in groupby(rows.iterator(_READ_AT_ONCE), key=itemgetter(*range(len(pair)))):
        judged = {row[-1] for row in of_pair}
        counts[key[:2]][judged.pop() if len(judged) == 1 else "disputed"] += 1
    return {
        version: tuple(_rungs(counts, version)) for version in sorted({key[0] for key in counts})
    }


def _rungs(counts: dict[tuple[int, str], Counter[str]], version: int) -> Iterable[RungPrecision]:
    for verdict in Verdict:
        counted = counts.get((version, verdict.value))
        if counted is None:
            continue
        copies, same = counted[Judgement.COPY], counted[Judgement.SAME_SUBJECT]
        different = counted[Judgement.DIFFERENT]
        borne_out = _BORNE_OUT.get(verdict)
        right = None if borne_out is None else sum(counted[each] for each in borne_out)
        interval = None if right is None else wilson_interval(right, copies + same + different)
        yield RungPrecision(verdict, copies, same, different, counted["disputed"], right, interval)
