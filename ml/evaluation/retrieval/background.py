"""The protocol `background`: a subject on other backgrounds, among the plain subjects."""

from pathlib import Path

from PIL import Image

from ml.errors import EvaluationDataInvalid
from ml.evaluation.datasets import read_scenes
from ml.evaluation.images import EvaluationImage, Make, as_it_is
from ml.evaluation.retrieval.plan import (
    Plan,
    Trial,
    first_subjects,
    limit_note,
    require_subjects,
)
from ml.types import Box

PLAIN = "plain"


def background(folder: Path, *, limit: int | None = None) -> Plan:
    """Return the plan of a subject on other backgrounds, searched among the plain subjects.

    Each variant is asked with as the whole picture and cropped to the given box of the subject; the
    gallery is the whole plain pictures.

    Args:
        folder: see `datasets.read_scenes`; the variant "plain" is the gallery.
        limit: how many subjects at most; None takes all.

    Raises:
        EvaluationDataInvalid: see `datasets.read_scenes`; or no plain or no other picture.
    """
    pictures = first_subjects(read_scenes(folder), limit)
    require_subjects(pictures, folder)
    plain = [picture for picture in pictures if picture.kind == PLAIN]
    scenes = [picture for picture in pictures if picture.kind != PLAIN]
    if not plain or not scenes:
        raise EvaluationDataInvalid(
            f"{folder} needs pictures of the variant {PLAIN!r} and of others.", folder=str(folder)
        )
    images = [EvaluationImage(p.name, p.path, p.subject, unit=p.subject) for p in plain]
    gallery = tuple(range(len(images)))
    trials = []
    for way, cut in (("whole", None), ("cropped", _to_box)):
        start = len(images)
        images += [
            EvaluationImage(
                f"{p.name} ({way})", p.path, p.subject, p.subject, cut(p.box) if cut else as_it_is
            )
            for p in scenes
        ]
        indices = tuple(range(start, len(images)))
        trials.append(
            Trial(
                f"any scene, {way} → plain",
                indices,
                gallery,
                panel="scene → plain",
                line=way,
                shows_failures=True,
            )
        )
        for variant in dict.fromkeys(p.kind for p in scenes):
            chosen = tuple(
                index for index, p in zip(indices, scenes, strict=True) if p.kind == variant
            )
            trials.append(Trial(f"{variant}, {way} → plain", chosen, gallery))
    return Plan(
        "background",
        tuple(images),
        tuple(trials),
        unit="subjects",
        primary_trial=trials[0].name,
        notes=limit_note(limit),
    )


def _to_box(box: Box | None) -> Make:
    def make(image: Image.Image) -> Image.Image:
        if box is None or box.x1 > image.width or box.y1 > image.height:
            raise EvaluationDataInvalid(
                f"The box of the subject reaches beyond the {image.width} × {image.height} pixels."
            )
        return image.crop((box.x0, box.y0, box.x1, box.y1))

    return make
