"""Pictures in which a detector looks for objects, batch by batch."""

import time
from pathlib import Path

from tqdm import tqdm

from ml.detection.base import Detector
from ml.evaluation.objects.figures import DetectionResult
from ml.evaluation.objects.matching import match
from ml.evaluation.objects.report import ObjectReport
from ml.evaluation.objects.truth import read_object_truth
from ml.evaluation.reading import PictureReader


def examine(
    folder: Path, detector: Detector, *, batch_size: int = 8, limit: int | None = None
) -> ObjectReport:
    """Return how well a detector finds what is in the pictures of a folder.

    Args:
        folder: see `read_object_truth`.
        detector: looks for it.
        batch_size: pictures in memory at a time, ≥ 1.
        limit: how many pictures at most, the first ones; None takes all.

    Raises:
        EvaluationDataInvalid: missing, empty, of another shape, or no picture can be read.
        NoPositives: no true box is of a class that the detector can name.
    """
    reader, results, seconds = PictureReader(), list[DetectionResult](), 0.0
    truths = read_object_truth(folder)[:limit]
    for start in tqdm(range(0, len(truths), batch_size), unit="", disable=None):
        batch = [
            (truth, picture)
            for truth in truths[start : start + batch_size]
            if (picture := reader.read(truth.name, truth.path)) is not None
        ]
        started = time.perf_counter()
        found = detector.detect([picture for _, picture in batch])
        seconds += time.perf_counter() - started
        results += [
            DetectionResult(truth, detections, match(truth, detections))
            for (truth, _), detections in zip(batch, found, strict=True)
        ]
    reader.require_any(folder)
    report = ObjectReport(
        detector=detector.spec,
        data=str(folder),
        data_sha256=reader.data_sha256,
        limit=limit,
        results=tuple(results),
        unreadable=reader.unreadable,
        milliseconds=1000 * seconds / len(results),
    )
    report.figures()
    return report
