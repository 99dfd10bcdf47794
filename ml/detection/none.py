"""The detector of those who want no objects."""

from collections.abc import Sequence

from PIL import Image

from ml.detection.base import Detection, DetectorSpec

NAME = "none"


class NoDetector:
    """A `Detector` that finds nothing, and needs neither weights nor time."""

    def __init__(self) -> None:
        self.spec = DetectorSpec(name=NAME, weights="", weights_sha256="", labels=())

    def detect(self, images: Sequence[Image.Image]) -> list[tuple[Detection, ...]]:
        """Return as many empty tuples as there are pictures."""
        return [() for _ in images]
