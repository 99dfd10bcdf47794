"""Why an image was found and not higher: one region of the query compared with one of the image."""

from dataclasses import dataclass

from django.conf import settings

from catalog.models import Image, Region
from catalog.selectors import get_live_encoder
from kernel.errors import UserInputError
from kernel.task_messages import Box, ComparedRegions
from search import asked_pictures, query_worker
from search.asked_pictures import AskedPicture
from search.question import Question


@dataclass(frozen=True, slots=True)
class PairComparison:
    """Two regions and what is known of the pair.

    Attributes:
        asked: the picture that was asked with.
        box: the region of it.
        region: the image's, a full image or a panel.
        found: what the worker says.
    """

    asked: AskedPicture
    box: Box
    region: Region
    found: ComparedRegions


def compare(question: Question, image: Image, panel: int | None) -> PairComparison:
    """Compare what a question is about with an image that who asks may see.

    Args:
        question: the picture, and the box of it; labels and the like are not looked at.
        image: the image.
        panel: the number of the panel in it; None is the full image.

    Raises:
        UserInputError: "search:user:bad-box"; "search:user:no-region": the image was not described
            yet, or has no such panel.
        GoneError: "search:user:query-expired".
        TransientError: worker or broker is away or slow, or the encoder is changing.
        DefectError: ours.
    """
    asked = asked_pictures.of_question(question)
    kind = Region.Kind.FULL_IMAGE if panel is None else Region.Kind.PANEL
    region = image.regions.filter(kind=kind, ordinal=panel or 0).defer("pdq").first()
    if region is None:
        raise UserInputError("search:user:no-region")
    box = question.box or (0, 0, asked.facts.width, asked.facts.height)
    found = query_worker.compare_regions(
        asked.stored,
        box,
        region.pk,
        encoder_version=get_live_encoder().pk,
        timeout_s=settings.SEARCH_TIMEOUT_S,
    )
    return PairComparison(asked, box, region, found)
