"""What speaks for a hit, and why it is not higher: for the dialog that shows both pictures."""

import base64
from typing import Any

from django.utils.formats import number_format
from django.utils.http import urlencode
from django.utils.translation import get_language, gettext, ngettext

from catalog.addresses import page_address
from catalog.labels import label_name
from catalog.models import Region
from catalog.presenters import picture_url
from kernel.task_messages import Box, CellGrid, ComparedRegions, Copy, QueryRegion
from ml.rules.regions import FULL_IMAGE
from search.comparing import PairComparison
from search.groups import Group, ImageHit
from search.presenters.addresses import picture_fields
from search.presenters.question_fields import QuestionFields
from search.services import CopiesState, SearchResult
from search.verdicts import Verdict, same_subject_threshold

_MAX_OBJECTS = 8


def comparison_of(hit: ImageHit, group: Group, result: SearchResult) -> dict[str, Any]:
    """Return what is shown of a hit beside the query: both pictures, what met, and why no more.

    Boxes are x0, y0, x1, y1 in pixels of the upright pictures.
    """
    image, copy, region = hit.image, hit.copy, hit.region
    return {
        "image": picture_url(image),
        "width": image.width,
        "height": image.height,
        "box": hit.query.box,
        "found_box": None if region is None else (region.x0, region.y0, region.x1, region.y1),
        "outline": None if copy is None else copy.outline,
        "said": _overlap_sentence(copy),
        "why": why_not_higher(hit, group, result),
        "objects": _objects_in_common(hit, group.region, result.regions),
        "more_url": _more_url(hit, group.region, result),
    }


def compare_url(hit: ImageHit, part: QueryRegion, fields: QuestionFields) -> str:
    """Return where a page shows a hit beside what found it.

    Args:
        hit: the hit.
        part: of the query, whose hit it is.
        fields: what was asked.
    """
    asked = [*fields.fields(), ("found", str(hit.image.pk)), ("part", part_key(part))]
    return f"{page_address('search:comparison_page')}?{urlencode(asked)}"


def part_key(part: QueryRegion) -> str:
    """Return the name of a part in addresses and in the API: "whole-0", "panel-3", "box-0"."""
    return f"{part.kind}-{part.ordinal}"


def _overlap_sentence(copy: Copy | None) -> str:
    if copy is None:
        return ""
    if copy.overlap is None:
        return gettext("The two pictures are the same but for small changes.")
    shown = (
        gettext("The image shows {percent} of your picture; it is mirrored.")
        if copy.overlap.is_mirrored
        else gettext("The image shows {percent} of your picture.")
    )
    return shown.format(percent=f"{round(copy.overlap.query_percent)}%")


def why_not_higher(hit: ImageHit, group: Group, result: SearchResult) -> str:
    """Return what kept a hit from the next rung, in the active language; "" of the best."""
    verdict, copy = hit.verdict, hit.copy
    if verdict is Verdict.IDENTICAL:
        return ""
    if verdict is Verdict.NEAR_IDENTICAL:
        return gettext("The same picture, but not the same file: it was saved again.")
    if verdict is Verdict.EDITED_COPY and copy is not None:
        return _why_edited(hit, copy)
    if verdict is Verdict.SHARED_DESIGN and copy is not None:
        return _why_shared(copy)
    unproved = _why_unproved(hit, result)
    if verdict is Verdict.SAME_SUBJECT:
        return unproved
    return f"{_why_similar(hit, group, result)} {unproved}"


def _why_edited(hit: ImageHit, copy: Copy) -> str:
    if copy.is_near_identical:
        return gettext("The same picture is one of several in this image, not all of it.")
    return gettext("A copy, but more differs than saving again changes.")


def _why_shared(copy: Copy) -> str:
    points = 0 if copy.overlap is None else copy.overlap.inliers
    if points == 0:
        return gettext("A form or a thing is the same, but what differs is no edit of one picture.")
    return ngettext(
        "{points} point agrees: a form or a thing is the same. What differs is no edit of one "
        "picture.",
        "{points} points agree: a form or a thing is the same. What differs is no edit of one "
        "picture.",
        points,
    ).format(points=points)


def _why_unproved(hit: ImageHit, result: SearchResult) -> str:
    if result.copies is CopiesState.PENDING:
        return gettext("The pixels of both are still to be compared.")
    if hit.is_unchecked:
        return gettext("The time did not suffice to compare the pixels of both.")
    return gettext("That one is a copy of the other was not proved by their pixels.")


def _why_similar(hit: ImageHit, group: Group, result: SearchResult) -> str:
    if group.is_plain:
        return gettext("There is hardly anything to see in your picture, so likeness says nothing.")
    threshold = same_subject_threshold(result.version.calibration)
    if result.version.calibration is None:
        return gettext("What scores mean is not known of this encoder: none says “same subject”.")
    if threshold is None or hit.score is None:
        return gettext("No score of this encoder is sure enough to say “same subject”.")
    return gettext(
        "The score of {score} is below {threshold}, from where on “same subject” is said."
    ).format(score=_three_digits(hit.score), threshold=_three_digits(threshold))


def _three_digits(score: float) -> str:
    return str(number_format(f"{score:.3f}"))


def _objects_in_common(
    hit: ImageHit, part: QueryRegion, regions: tuple[QueryRegion, ...]
) -> list[str]:
    """Return the names of objects that lie in the part of the query and are in the image, too."""
    ours = {each.label for each in regions if each.label and _is_in(each.box, part.box)}
    theirs = {each.label for each in hit.image.regions.all() if each.label}
    language = get_language() or "en"
    return sorted(label_name(label, language) for label in ours & theirs)[:_MAX_OBJECTS]


def _is_in(inner: Box, outer: Box) -> bool:
    """Whether the middle of one box lies in the other."""
    x, y = (inner[0] + inner[2]) / 2, (inner[1] + inner[3]) / 2
    return outer[0] <= x < outer[2] and outer[1] <= y < outer[3]


def _more_url(hit: ImageHit, part: QueryRegion, result: SearchResult) -> str:
    """Return where more is said of the pair once it is compared again."""
    fields = [*picture_fields(result.asked, ""), ("found", str(hit.image.pk))]
    if part.kind != FULL_IMAGE:
        fields.append(("box", ",".join(str(number) for number in part.box)))
    if hit.region is not None and hit.region.kind == Region.Kind.PANEL:
        fields.append(("panel", str(hit.region.ordinal)))
    return f"{page_address('search:comparison')}?{urlencode(fields)}"


def as_evidence(pair: PairComparison) -> dict[str, Any]:
    """Return what a comparison on demand adds: a sentence of points, and the cells alike."""
    cells = pair.found.cells
    return {
        "points": pair.found.points,
        "points_needed": pair.found.points_needed,
        "sentence": points_sentence(pair.found),
        "cells": None
        if cells is None
        else {
            "query": _grid(cells.query),
            "image": _grid(cells.image),
            "likeness": base64.b64encode(cells.likeness).decode(),
        },
    }


def points_sentence(found: ComparedRegions) -> str:
    """Return what local features say, in the active language."""
    points, needed = found.points, found.points_needed
    if points == 0:
        return gettext("No points of the two pictures agree.")
    if points < needed:
        return ngettext(
            "{points} point of the two pictures agrees; {needed} are needed at least.",
            "{points} points of the two pictures agree; {needed} are needed at least.",
            points,
        ).format(points=points, needed=needed)
    return ngettext(
        "{points} point of the two pictures agrees.",
        "{points} points of the two pictures agree.",
        points,
    ).format(points=points)


def _grid(grid: CellGrid) -> dict[str, Any]:
    return {"rows": grid.rows, "columns": grid.columns, "box": list(grid.box)}
