"""What a report says on top: how many hits of each verdict there are."""

from collections import Counter

from search.presenters.page import verdict_name
from search.report import AnswerReport
from search.verdicts import Verdict


def counted_verdicts(report: AnswerReport) -> str:
    """Return how many images were found as what, in the active language; each image once.

    An image that several parts found counts as the best that it is to any of them.
    """
    best: dict[object, Verdict] = {}
    for each in report.hits:
        known = best.setdefault(each.hit.image.pk, each.hit.verdict)
        if each.hit.verdict.rung < known.rung:
            best[each.hit.image.pk] = each.hit.verdict
    counts = Counter(best.values())
    return " · ".join(
        f"{verdict_name(verdict)}: {counts[verdict]}" for verdict in Verdict if counts[verdict]
    )
