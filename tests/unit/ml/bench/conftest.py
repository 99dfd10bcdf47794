import cv2
import pytest

from tests.unit.ml.panels import pictures


@pytest.fixture
def folder(tmp_path):
    """Two pictures, a file that only looks like one, and one that is none."""
    for number in range(2):
        cv2.imwrite(str(tmp_path / f"{number}.png"), pictures.photo(number, 200, 150))
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path
