import csv
import importlib.util
import re
from pathlib import Path

import pytest
import yaml

from catalog.labels import TABLE, label_name
from ml.detection import ssd

# Found, not imported: that would change Pillow for every later test.
ULTRALYTICS = Path(importlib.util.find_spec("ultralytics").origin).parent


@pytest.fixture(scope="module")
def rows():
    with TABLE.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def labels_of(dataset):
    text = (ULTRALYTICS / "cfg/datasets" / dataset).read_text(encoding="utf-8")
    return {name.lower() for name in yaml.safe_load(text)["names"].values()}


@pytest.mark.parametrize(
    ("labels", "count"),
    [
        (labels_of("open-images-v7.yaml"), 601),
        (labels_of("coco.yaml"), 80),
        (set(ssd.LABELS), 80),
    ],
    ids=["Open Images V7", "COCO", "SSD"],
)
def test_every_label_of_the_detectors_has_a_name(rows, labels, count):
    assert len(labels) == count
    assert labels - {row[0] for row in rows[1:]} == set()


def test_each_label_stands_once_in_order_and_in_lower_case(rows):
    labels = [row[0] for row in rows[1:]]

    assert rows[0] == ["label", "ru"]
    assert labels == sorted(set(labels))
    assert labels == [label.lower().strip() for label in labels]


def test_every_name_is_russian(rows):
    for _, name in rows[1:]:
        assert re.fullmatch(r"[а-яё«][а-яё «»-]*[а-яё»]", name), name


@pytest.mark.parametrize(
    ("label", "language", "name"),
    [
        ("dog", "ru", "собака"),
        ("stop sign", "ru-RU", "знак «стоп»"),
        ("dog", "en", "dog"),
        ("dog", "de", "dog"),
        ("gizmo", "ru", "gizmo"),
        ("gizmo", "en", "gizmo"),
        ("", "ru", ""),
    ],
)
def test_a_name_in_the_readers_language(label, language, name):
    assert label_name(label, language) == name
