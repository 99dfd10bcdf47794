"""What objects are called, in the reader's language."""

import csv
from functools import cache
from pathlib import Path

# One row a label of the detectors, lower case: the classes of Open Images V7 and of COCO.
TABLE = Path(__file__).with_name("labels.csv")


def label_name(label: str, language: str) -> str:
    """Return what to call an object.

    Args:
        label: as the detector says it, such as "dog".
        language: such as "ru" or "en-gb".

    Returns:
        The Russian name for Russian; the label as it is for any other language, and where the table
        does not have it, as with a detector of one's own.
    """
    if language.partition("-")[0].lower() != "ru":
        return label
    return _russian().get(label, label)


@cache
def _russian() -> dict[str, str]:
    with TABLE.open(encoding="utf-8", newline="") as stream:
        return {row["label"]: row["ru"] for row in csv.DictReader(stream)}
