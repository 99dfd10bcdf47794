"""What people decided leaves as training reads it: read here by training's own reader."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone
from PIL import Image as Pillow

from catalog import storage
from kernel.hashing import sha256_hex
from ml.evaluation.calibration import decisions as calibration
from ml.training.data import sources
from review import query_pictures
from review.models import Decision
from tests.pictures import corners
from tests.pictures import encoded as file_of
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED, encoded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def decided(version, add_image) -> Callable[..., Decision]:
    """Record that somebody decided about an uploaded picture and an image."""

    def decided(data: bytes, image: Any, judgement: str, by: str = "rita", **fields: Any):
        sha256 = sha256_hex(data)
        storage.write(query_pictures.stored_name(sha256), data)
        return Decision.objects.create(
            query_sha256=sha256,
            image=image,
            judgement=judgement,
            decided_by=User.objects.get_or_create(username=by)[0],
            decided_at=timezone.now(),
            shown_verdict="same-subject",
            score=0.75,
            encoder_version=version,
            **fields,
        )

    return decided


def export(file: Path) -> dict[str, int]:
    out = io.StringIO()
    call_command("export_decisions", str(file), "--json", stdout=out)
    counts: dict[str, int] = json.loads(out.getvalue())
    return counts


def test_training_and_calibration_read_what_is_exported(
    decided, add_image, version, tmp_path: Path
) -> None:
    red, blue = add_image(encoded(RED), "red"), add_image(encoded(BLUE, kind="JPEG"), "blue")
    data = encoded(DARK_RED)
    decided(data, red, "same_subject")
    decided(data, blue, "different")

    counts = export(tmp_path / "decisions.jsonl")

    assert counts == {"pairs": 2, "pictures": 3, "disputed": 0, "contradicted": 0, "gone": 0}
    listing = sources.read(tmp_path / "decisions.jsonl", "decisions")
    files = {entry.path.read_bytes(): entry.label for entry in listing.entries}
    original = storage.read(storage.original_name(blue.sha256))
    assert set(files) == {data, encoded(RED), original}
    assert files[data] == files[encoded(RED)] != files[original]
    assert listing.hard_negatives == (tuple(sorted((files[data], files[original]))),)
    assert len(calibration.read(tmp_path / "decisions.jsonl").pairs) == 2
    rows = [json.loads(line) for line in (tmp_path / "decisions.jsonl").read_text().splitlines()]
    [same] = [row for row in rows if row["verdict"] == "same_subject"]
    assert (same["decided_by"], same["score"], same["encoder"]) == ("rita", 0.75, "grid")
    assert same["weights_sha256"] == version.weights_sha256


def test_parts_are_cut_out(decided, add_image, tmp_path: Path) -> None:
    picture = corners(64, 32)
    image = add_image(file_of(picture), "corners")
    data = file_of(picture.transpose(Pillow.Transpose.FLIP_LEFT_RIGHT))

    decided(data, image, "copy", query_box="0,0,32,16", image_box="32,0,64,16")
    assert export(tmp_path / "d.jsonl")["pictures"] == 2

    [row] = map(json.loads, (tmp_path / "d.jsonl").read_text().splitlines())
    cut = [Pillow.open(tmp_path / row[name]).convert("RGB") for name in ("a", "b")]
    assert [each.size for each in cut] == [(32, 16), (32, 16)]
    assert [each.getcolors() for each in cut] == [[(512, GREEN)], [(512, GREEN)]]


def test_what_people_do_not_agree_about_is_counted_and_left_out(
    decided, add_image, tmp_path: Path
) -> None:
    red, blue = add_image(encoded(RED), "red"), add_image(encoded(BLUE), "blue")
    first, second = encoded(DARK_RED), encoded((1, 2, 3))
    decided(first, red, "copy")
    decided(first, red, "different", by="otto")  # disputed
    decided(first, blue, "copy")
    decided(first, blue, "same_subject", by="otto")  # the same either way
    decided(second, blue, "copy")
    third = add_image(second, "the second, taken in since")
    decided(first, third, "different")  # but both are copies of the blue one

    counts = export(tmp_path / "d.jsonl")

    assert counts == {"pairs": 2, "pictures": 3, "disputed": 1, "contradicted": 1, "gone": 0}
    listing = sources.read(tmp_path / "d.jsonl", "decisions")
    assert len({entry.label for entry in listing.entries}) == 1


def test_a_picture_that_is_gone_is_counted(decided, add_image, tmp_path: Path) -> None:
    one = decided(encoded(DARK_RED), add_image(encoded(RED), "red"), "copy")
    storage.delete(query_pictures.stored_name(one.query_sha256))

    assert export(tmp_path / "d.jsonl")["gone"] == 1


@pytest.mark.parametrize(
    ("name", "reason"), [("d.csv", "end with .jsonl"), ("none/d.jsonl", "There is no folder")]
)
def test_a_wrong_call_writes_nothing(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(CommandError, match=reason) as error:
        call_command("export_decisions", str(tmp_path / name))

    assert error.value.returncode == 2
    assert not list(tmp_path.glob("*.jsonl"))
