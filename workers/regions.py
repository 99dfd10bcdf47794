"""The regions of a picture: the full image, the panels, and the objects in them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kernel.regions import FULL_IMAGE_KEY, MAX_LABEL_CHARS, MAX_OBJECTS, MAX_PANELS, RegionKey
from metrics.definitions import Work, stage
from ml import panels
from ml.detection.base import Detection, Detector
from ml.detection.selection import NAMED_CONFIDENCE, select_objects
from ml.media.classifier import tell_medium
from ml.rules.media import Medium
from ml.rules.regions import OBJECT, PANEL
from ml.types import Box
from workers.pictures import UprightPicture

# Panels that are looked through for objects, the largest first.
_MAX_SCENES = 9


@dataclass(frozen=True, slots=True, eq=False)
class PictureRegion:
    """One part of a picture.

    Attributes:
        key: which part.
        box: in pixels of the upright original.
        picture: its pixels.
        label: what an object is; "" where that is doubtful, and for the full image and panels.
        confidence: 0..1.
    """

    key: RegionKey
    box: Box
    picture: UprightPicture
    label: str = ""
    confidence: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class SegmentedPicture:
    """A picture and all its parts.

    Attributes:
        layout: whether it is one picture, a collage, a screenshot or a comic.
        regions: the full image, then panels from the top left, then objects, the most
            confident first.
    """

    layout: panels.Layout
    regions: tuple[PictureRegion, ...]

    def tell_medium(self) -> Medium:
        """Return how the picture was made; a collage or a screenshot is of none."""
        if self.layout is not panels.Layout.SINGLE:
            return Medium.UNKNOWN
        return tell_medium(self.regions[0].picture.image)


def segment(
    pictures: Sequence[UprightPicture], detector: Detector, *, work: Work = Work.INDEXING
) -> list[SegmentedPicture]:
    """Find the regions of pictures: split each, then look for objects in all of them at once.

    A collage is no scene: objects are looked for in its panels.

    Args:
        pictures: of a batch.
        detector: that finds the objects.
        work: what it is done for.

    Raises:
        MlError: the detector failed.
    """
    with stage(work, "split"):
        split = [_split(picture) for picture in pictures]
    scenes = [
        (number, scene) for number, parts in enumerate(split) for scene in _scenes(parts.regions)
    ]
    with stage(work, "detect"):
        found = detector.detect([scene.picture.image for _, scene in scenes])
    objects: list[list[PictureRegion]] = [[] for _ in pictures]
    for (number, scene), detections in zip(scenes, found, strict=True):
        objects[number] += _objects(pictures[number], scene, detections)
    return [
        SegmentedPicture(parts.layout, (*parts.regions, *_best(those)))
        for parts, those in zip(split, objects, strict=True)
    ]


def _split(picture: UprightPicture) -> SegmentedPicture:
    """Return the full image and the panels: those that are known, or else those that are found."""
    layout, boxes = _panels(picture)
    boxes.sort(key=lambda one: one[0].width * one[0].height, reverse=True)
    kept = sorted(boxes[:MAX_PANELS], key=lambda one: (one[0].y0, one[0].x0))
    full_image = PictureRegion(FULL_IMAGE_KEY, picture.bounds, picture)
    return SegmentedPicture(
        layout,
        (
            full_image,
            *(
                PictureRegion(
                    RegionKey(PANEL, ordinal), box, picture.crop(box), confidence=confidence
                )
                for ordinal, (box, confidence) in enumerate(kept)
            ),
        ),
    )


def _panels(picture: UprightPicture) -> tuple[panels.Layout, list[tuple[Box, float]]]:
    """Return the layout, and the panels' boxes on the original with their confidence."""
    if picture.panels is not None:
        layout = panels.Layout.COLLAGE if picture.panels else panels.Layout.SINGLE
        return layout, [(panel, 1.0) for panel in picture.panels]
    splitting = panels.split(picture.pixels)
    found = [(picture.on_original(panel.box), panel.confidence) for panel in splitting.panels]
    return splitting.layout, found


def _scenes(regions: Sequence[PictureRegion]) -> Sequence[PictureRegion]:
    """Return what is looked through for objects: the full image, or the largest of its panels."""
    full_image, *parts = regions
    parts.sort(key=lambda part: part.box.width * part.box.height, reverse=True)
    return parts[:_MAX_SCENES] or [full_image]


def _objects(
    picture: UprightPicture, scene: PictureRegion, detections: Sequence[Detection]
) -> list[PictureRegion]:
    """Return the objects of a scene, not numbered yet."""
    image = scene.picture.image
    selected = select_objects(detections, width=image.width, height=image.height)
    regions = []
    for each in selected:
        inside = scene.picture.on_original(each.box)
        box = Box(
            scene.box.x0 + inside.x0,
            scene.box.y0 + inside.y0,
            scene.box.x0 + inside.x1,
            scene.box.y0 + inside.y1,
        )
        label = each.label[:MAX_LABEL_CHARS] if each.confidence >= NAMED_CONFIDENCE else ""
        regions.append(
            PictureRegion(RegionKey(OBJECT, 0), box, picture.crop(box), label, each.confidence)
        )
    return regions


def _best(objects: Sequence[PictureRegion]) -> list[PictureRegion]:
    """Return the most confident objects, numbered."""
    best = sorted(objects, key=lambda one: -one.confidence)[:MAX_OBJECTS]
    return [replace(one, key=RegionKey(OBJECT, ordinal)) for ordinal, one in enumerate(best)]
