"""The first sentence of an answer: what was found, or that nothing was."""

from collections.abc import Mapping

from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext

from search.services import CopiesState, SearchResult
from search.verdict_counts import VerdictCounts
from search.verdicts import Verdict


def headline(result: SearchResult) -> str:
    """Return what the answer says in one sentence, in the active language.

    While copies are not checked it says so, and calls nothing "no copy".
    """
    counts = result.counts
    if not result.searched:
        return gettext("There is no picture to compare with yet")
    of = _of_parts if counts.parts else _of_picture
    said = of(counts, result.copies)
    sentence = f"{said} {_among(result)}"
    if counts.may_be_more:
        sentence = gettext("{said}; there may be more").format(said=sentence)
    if result.copies is CopiesState.PENDING:
        return gettext("{said}; still looking for copies…").format(said=sentence)
    if result.copies is CopiesState.UNCHECKED:
        return gettext("{said}; not all could be compared").format(said=sentence)
    return sentence


def headline_of_several(counts: VerdictCounts, state: CopiesState) -> str:
    """Return what an answer to several pictures says in one sentence, in the active language."""
    said = _of_picture(counts, state)
    if state is CopiesState.PENDING:
        return gettext("{said}; still looking for copies…").format(said=said)
    if state is CopiesState.UNCHECKED:
        return gettext("{said}; not all could be compared").format(said=said)
    return said


def _of_picture(counts: VerdictCounts, state: CopiesState) -> str:
    found = _listed(counts.by_verdict)
    if counts.copies:
        return found
    if state is CopiesState.CHECKED:
        if not found:
            return gettext("No copy")
        return gettext("No copy, but {found}").format(found=found)
    return found or gettext("No copy so far")


def _of_parts(counts: VerdictCounts, state: CopiesState) -> str:
    """Return how many pictures of a collage have a copy; which ones, its chips say."""
    if counts.parts_with_copies:
        said = ngettext(
            "{with_copies} of {count} picture has a copy",
            "{with_copies} of {count} pictures have copies",
            counts.parts,
        ).format(with_copies=counts.parts_with_copies, count=counts.parts)
    elif counts.copies:  # of all of it
        copies = {verdict: many for verdict, many in counts.by_verdict.items() if verdict.is_proved}
        found = _listed(copies)
        said = gettext("{found} of the whole").format(found=found)
    elif state is not CopiesState.CHECKED:
        said = gettext("No copy so far")
    else:
        said = ngettext(
            "No copy of the {count} picture in it",
            "No copy of any of the {count} pictures in it",
            counts.parts,
        ).format(count=counts.parts)
    if not counts.parts_with_others:
        return said
    return ngettext(
        "{said}, the same subject or design for {count}",
        "{said}, the same subject or design for {count}",
        counts.parts_with_others,
    ).format(said=said, count=counts.parts_with_others)


def _among(result: SearchResult) -> str:
    if result.filters:
        return gettext("among the pictures that your filters let through")
    if result.asked.image is not None:
        others = max(result.searched - 1, 0)
        return ngettext(
            "among {count} other picture", "among {count} other pictures", others
        ).format(count=number_format(others, force_grouping=True))
    return ngettext("among {count} picture", "among {count} pictures", result.searched).format(
        count=number_format(result.searched, force_grouping=True)
    )


def _listed(by_verdict: Mapping[Verdict, int]) -> str:
    found = [_counted(verdict, many) for verdict, many in by_verdict.items() if many]
    if len(found) < 2:  # noqa: PLR2004  # two are joined by a word
        return "".join(found)
    return gettext("{first} and {last}").format(first=", ".join(found[:-1]), last=found[-1])


def _counted(verdict: Verdict, many: int) -> str:
    if verdict is Verdict.IDENTICAL:
        said = ngettext("{count} identical file", "{count} identical files", many)
    elif verdict is Verdict.NEAR_IDENTICAL:
        said = ngettext("{count} same picture", "{count} same pictures", many)
    elif verdict is Verdict.EDITED_COPY:
        said = ngettext("{count} edited copy", "{count} edited copies", many)
    elif verdict is Verdict.SHARED_DESIGN:
        said = ngettext(
            "{count} picture of the same design or object",
            "{count} pictures of the same design or object",
            many,
        )
    else:
        said = ngettext(
            "{count} picture of the same subject", "{count} pictures of the same subject", many
        )
    return said.format(count=many)
