"""What several questions say together of an image: numbers in, one number out (ADR 36)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike images are to one thing that is asked with.

    Attributes:
        scores: of the images that it found, by id; greater is more similar.
        floor: what an image has at most that it did not find; of most a little too much.
        is_of_words: whether they are of words, which are never as near to a picture as another
            picture is.
    """

    scores: Mapping[UUID, float]
    floor: float
    is_of_words: bool = False

    def of(self, image_id: UUID) -> float:
        """Return an image's score; of one that was not found, the floor."""
        return self.scores.get(image_id, self.floor)

    def spread(self) -> "Likeness":
        """Return it with 1 for the best image and 0 for the floor."""
        height = max(self.scores.values(), default=self.floor) - self.floor
        spread = {
            image_id: (score - self.floor) / height if height > 0 else 1.0
            for image_id, score in self.scores.items()
        }
        return Likeness(spread, floor=0.0)


def fused(these: Sequence[Likeness], unlike: Sequence[Likeness]) -> dict[UUID, float]:
    """Return a score for each image that any of `these` found; greater is more similar.

    It is the mean of the image's scores, less what it is more like any of `unlike` than that mean:
    nobody is raised by what is unlike, and who is farther from that than from `these` stays.
    Where there are words among `these`, all scores are first spread from 0 to 1.

    Args:
        these: what the images should be like, at least one.
        unlike: what they should not be like.
    """
    if any(each.is_of_words for each in these):
        these, unlike = [each.spread() for each in these], [each.spread() for each in unlike]
    images = {image_id for each in these for image_id in each.scores}
    means = {image_id: sum(each.of(image_id) for each in these) / len(these) for image_id in images}
    return {
        image_id: mean - max([0.0, *(each.of(image_id) - mean for each in unlike)])
        for image_id, mean in means.items()
    }
