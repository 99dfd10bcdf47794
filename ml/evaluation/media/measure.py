"""The medium that is said of each labelled picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from ml.errors import MlError
from ml.evaluation.datasets import read_bytes, read_media
from ml.images.decode import decode
from ml.media.classifier import tell_medium
from ml.rules.limits import MAX_PIXELS
from ml.rules.media import Medium

_DRAWN = frozenset({Medium.CARTOON, Medium.SKETCH})
# Which media are right of the kinds that the open sets have (PACS, emoji); a folder that is named
# as a medium is that.
_RIGHT: Mapping[str, frozenset[Medium]] = {
    "art_painting": frozenset({Medium.PAINTING}),
    "openmoji_color": frozenset({Medium.CARTOON}),
    "openmoji_black": frozenset({Medium.SKETCH}),
    "noto": frozenset({Medium.CARTOON}),
    "twemoji": frozenset({Medium.CARTOON}),
    "fluent_color": frozenset({Medium.CARTOON}),
    "fluent_hc": _DRAWN,  # black shapes, some of lines and some filled
    "fluent_3d": frozenset({Medium.RENDER}),
}


@dataclass(frozen=True, slots=True)
class SaidMedium:
    """What is said of a picture.

    Attributes:
        kind: the folder's or the column's name.
        media: what is right; none where it is no medium that we know.
        said: what was told.
    """

    kind: str
    media: frozenset[Medium]
    said: Medium

    @property
    def is_right(self) -> bool:
        """Whether something true is said; a cartoon and a sketch are drawings, too."""
        is_drawing = self.said is Medium.DRAWING and bool(self.media & _DRAWN)
        return self.said in self.media or is_drawing


def measure(folder: Path, *, limit: int | None) -> tuple[list[SaidMedium], int]:
    """Return what is said of each picture, and how many could not be read.

    Args:
        folder: as `ml.evaluation.datasets.read_media` takes it.
        limit: pictures of a kind; None is all.

    Raises:
        EvaluationDataInvalid: missing, empty or of another shape.
    """
    taken: dict[str, int] = {}
    found, unread = [], 0
    for picture in tqdm(read_media(folder), unit="picture", disable=None):
        taken[picture.kind] = taken.get(picture.kind, 0) + 1
        if limit is not None and taken[picture.kind] > limit:
            continue
        try:
            image = decode(read_bytes(picture.path), max_pixels=MAX_PIXELS)
        except MlError:
            unread += 1
            continue
        found.append(SaidMedium(picture.kind, right_media(picture.kind), tell_medium(image)))
    return found, unread


def right_media(kind: str) -> frozenset[Medium]:
    """Return the media that are right of a kind of pictures; none of a kind that is not known."""
    named = {medium.value: medium for medium in Medium if medium is not Medium.UNKNOWN}
    return _RIGHT.get(kind) or frozenset({named[kind]} if kind in named else ())
