"""A hit as a person was shown it, signed: what a decision says of it is what stood there."""

from dataclasses import astuple, dataclass
from uuid import UUID

from django.core import signing

from catalog.calibrations import calibration_sha256
from catalog.models import EncoderVersion, Region
from catalog.visibility import Viewer
from kernel.errors import UserInputError
from kernel.task_messages import Box
from ml.rules.regions import FULL_IMAGE
from search.groups import ImageHit
from search.services import SearchResult

_SALT = "review.shown-hit"
# A page may stay open over night; the picture of its query is gone sooner.
_MAX_AGE_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class ShownHit:
    """What a person decides about, and what they were told of it.

    Attributes:
        query_id: of the kept query, or of the image that was asked with.
        query_sha256: of its file.
        query_box: the part of it that found the image; "" is all of it.
        image_id: the image.
        image_box: the panel of the image that was found; "" is the image.
        verdict: `search.verdicts.Verdict` by value.
        score: None where it was found by its hash alone.
        probability: None where the encoder was not calibrated.
        encoder_version: primary key.
        calibration_sha256: "" where there was none.
    """

    query_id: str
    query_sha256: str
    query_box: str
    image_id: str
    image_box: str
    verdict: str
    score: float | None
    probability: float | None
    encoder_version: int
    calibration_sha256: str

    @classmethod
    def of(cls, result: SearchResult, part: tuple[str, Box], hit: ImageHit) -> "ShownHit":
        """Return one of a search's hits.

        Args:
            result: the search.
            part: kind and box of the part of the query that found it.
            hit: one of the part's.
        """
        kind, box = part
        region, version = hit.region, result.version
        is_panel = region is not None and region.kind == Region.Kind.PANEL
        return cls(
            query_id=str(result.asked.stored.id),
            query_sha256=result.query.sha256,
            query_box="" if kind == FULL_IMAGE else box_text(box),
            image_id=str(hit.image.pk),
            image_box=_region_text(region) if is_panel else "",
            verdict=hit.verdict.value,
            score=hit.score,
            probability=hit.probability,
            encoder_version=version.pk,
            calibration_sha256=calibration_of(version),
        )

    def signed(self, shown_to: Viewer) -> str:
        """Return it for the form of the person who is shown it, and of nobody else."""
        return signing.dumps([shown_to.pk, *astuple(self)], salt=_SALT, compress=True)

    @classmethod
    def from_signed(cls, text: str, shown_to: Viewer) -> "ShownHit":
        """Read what `signed` has written for this person.

        Raises:
            UserInputError: "review:user:stale-hit": it is too old, nobody here has written it, or
                somebody else was shown it.
        """
        try:
            account_id, *values = signing.loads(text, salt=_SALT, max_age=_MAX_AGE_S)
            hit = cls(*values)
        except (signing.BadSignature, TypeError) as error:
            raise UserInputError("review:user:stale-hit") from error
        if account_id != shown_to.pk:
            raise UserInputError("review:user:stale-hit")
        return hit

    @property
    def query(self) -> UUID:
        """The kept query's id."""
        return UUID(self.query_id)


def box_text(box: Box) -> str:
    """Return a box as decisions have it."""
    return ",".join(str(number) for number in box)


def calibration_of(version: EncoderVersion) -> str:
    """Return the hash of a version's calibration, "" where it has none."""
    return "" if version.calibration is None else calibration_sha256(version.calibration)


def _region_text(region: Region | None) -> str:
    return "" if region is None else box_text((region.x0, region.y0, region.x1, region.y1))
