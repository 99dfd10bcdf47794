"""What leaves the catalogue comes in again as it was, and others' tools read its hashes."""

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pdqhash
import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.utils import timezone
from PIL import Image as Pillow

from catalog import services, storage
from catalog.exports import ExportFormat, list_files
from catalog.models import Album, BulkEdit, Image, Region, Tag
from catalog.selectors import list_visible_images
from jobs.models import Delivery
from jobs.services import claim
from kernel.errors import TransientError
from kernel.task_names import EXPORT_IMAGES
from ml.copies.pdq import pdq_hash
from tests.conftest import AddImage, Broker
from tests.pictures import BLUE, GREEN, encoded, noise, numbered, plain
from workers import exports

pytestmark = pytest.mark.django_db(transaction=True)


def asked(chosen: str) -> tuple[BulkEdit, Delivery]:
    edit = services.ask_bulk_edit(BulkEdit.Kind.EXPORT, Image.objects.order_by("sha256"))
    services.start_bulk_edit(edit, {"format": chosen})
    edit.refresh_from_db()
    assert edit.job is not None
    assert edit.job.name == EXPORT_IMAGES
    return edit, claim(edit.job.pk)


def exported(chosen: str) -> bytes:
    edit, delivery = asked(chosen)
    exports.run_export(edit.pk, delivery=delivery)
    edit.refresh_from_db()
    assert edit.state == BulkEdit.State.DONE
    [file] = list_files(edit)
    data = b"".join(file.pieces())
    assert file.file_bytes == len(data)
    return data


@pytest.fixture
def catalogue(add_image: AddImage, broker: Broker) -> list[Image]:
    """Images with all that can be said of them, and with what spreadsheets and shells trip over."""
    first = add_image(
        numbered(1),
        title='=HYPERLINK("http://x") "quoted", and so on',
        description="two\nlines; кошка  ",
        path="walks/2024/лес.png",
        source="/srv/pictures",
        external_id="-17",
        owner="@owner",
        licence="CC BY 4.0",
        rights="'=kept",
        creator="+Ann",
        credit="credit",
        usage_terms="terms",
        licensor="licensor",
        taken_at="2024-05-31T12:00:00",
        medium="drawing",
    )
    services.update_metadata(
        first, services.ImageMetadata(tags=("a;b", "=tag"), albums=("Trip", "Лес"))
    )
    met = services.FurtherOccurrence("/mnt/old", "a/ё.png", "=old", "-18")
    services.add_occurrence(first, services.ImageMetadata(**asdict(met), occurrences=(OTHER,)))
    private = Album.objects.create(name="-private")
    private.groups.set([Group.objects.create(name=name) for name in ("Owners; all", "Ёлка")])
    first.albums.add(private)
    second = add_image(plain(BLUE), title="", path="walks/2024/лес.png", drawn_panels=[])
    third = add_image(
        plain(GREEN),
        title="third",
        taken_at="spring 2024",
        drawn_panels=[[0, 0, 30, 40], [30, 0, 60, 40]],
    )
    return [first, second, third]


OTHER = services.FurtherOccurrence(path="b.png")


def said() -> list[dict[str, Any]]:
    unlike = {"id", "job_id", "created_at", "queued_at", "payload_due_at", "payload_changes"}
    return [
        {
            **{
                field.attname: getattr(image, field.attname)
                for field in Image._meta.concrete_fields
                if field.attname not in unlike
            },
            "tags": sorted(tag.name for tag in image.tags.all()),
            "albums": sorted(
                (album.name, sorted(group.name for group in album.groups.all()))
                for album in image.albums.all()
            ),
            "occurrences": list(
                image.occurrences.values_list("source", "path", "title", "external_id")
            ),
            "file": storage.read(storage.original_name(image.sha256)),
        }
        for image in Image.objects.order_by("sha256")
    ]


def test_an_archive_comes_in_again_as_the_same_catalogue(
    catalogue: list[Image], tmp_path: Path, media: Path
) -> None:
    before = said()
    path = tmp_path / "export.zip"
    path.write_bytes(exported("zip"))
    for image in catalogue:
        for name in (storage.original_name, storage.thumbnail_name):
            storage.delete(name(image.sha256))
    Image.objects.all().delete()
    for named in (Image.tags.rel, Image.albums.rel):
        named.model.objects.all().delete()

    call_command("ingest", str(path), "--no-wait", stdout=io.StringIO())

    assert len(before) == 3
    assert [one["drawn_panels"] for one in before].count(None) == 1
    assert said() == before


def test_a_table_and_json_say_all_and_come_in_again_as_manifests(
    catalogue: list[Image], tmp_path: Path
) -> None:
    for number, image in enumerate(catalogue):
        image.path = f"{number}.png"
        image.save()
        data = storage.read(storage.original_name(image.sha256))
        (tmp_path / image.path).write_bytes(data)
    catalogue[1].tags.add(Tag.objects.create(name="[x"))
    catalogue[2].tags.add(*(Tag.objects.create(name=name) for name in ("b|c", "plain")))
    catalogue[2].albums.add(Album.objects.create(name="Summer; winter"))
    before = said()
    Region.objects.create(
        image=catalogue[0], kind="whole", ordinal=0, x0=0, y0=0, x1=4, y1=4, pdq=b"\1" * 32
    )

    table, lines = exported("csv"), exported("jsonl")

    [row] = [one for one in map(json.loads, lines.splitlines()) if one["title"].startswith("=")]
    assert row["regions"] == [
        {
            **{"kind": "whole", "number": 0, "box": [0, 0, 4, 4], "label": "", "confidence": 1.0},
            **{"pdq": "01" * 32, "pdq_quality": 0},
        }
    ]
    cells = [cell for row in csv.reader(io.StringIO(table.decode())) for cell in row]
    assert [cell for cell in cells if cell[:1] in tuple("=+-@\t\r")] == []
    for name, data in (("export.csv", table), ("export.jsonl", lines)):
        (tmp_path / name).write_bytes(data)
        Image.objects.all().delete()
        call_command("ingest", str(tmp_path / name), "--no-wait", stdout=io.StringIO())
        stripped = [{**one, "description": one["description"].strip()} for one in before]
        assert said() == (stripped if name.endswith("csv") else before)


def test_hashes_are_of_all_pixels_as_others_make_them(
    add_image: AddImage, broker: Broker, rng: np.random.Generator
) -> None:
    small = rng.integers(0, 256, (12, 16, 3), np.uint8)
    large = Pillow.fromarray(small).resize((1600, 1200), Pillow.Resampling.BICUBIC)
    file = io.BytesIO()
    large.save(file, "PNG")
    image = add_image(file.getvalue())
    shrunk = pdq_hash(np.asarray(large))
    full = {"image": image, "kind": "whole", "ordinal": 0, "x1": 1600, "y1": 1200}
    Region.objects.create(**full, x0=0, y0=0, pdq=shrunk.bits.tobytes(), pdq_quality=shrunk.quality)
    plain = io.BytesIO()
    Pillow.new("RGB", (300, 200), "red").save(plain, "PNG")
    add_image(plain.getvalue())
    bits, quality = pdqhash.compute(np.asarray(large))
    expected = np.packbits(bits).tobytes().hex()

    assert exported("pdq").decode() == f"pdq {expected}\n"
    rows = {
        row["quality_all_pixels"]: row
        for row in csv.DictReader(io.StringIO(exported("pdq_table").decode()))
    }
    row = rows[str(quality)]
    assert row["pdq_all_pixels"] == expected
    own = (shrunk.bits.tobytes().hex(), str(shrunk.quality))
    assert (row["pdq"], row["pdq_quality"]) == own
    assert 0 < (int(row["pdq"], 16) ^ int(expected, 16)).bit_count() <= 31
    [described] = [one for one in map(json.loads, exported("jsonl").splitlines()) if one["pdq"]]
    assert (described["pdq"], str(described["pdq_quality"])) == own
    assert rows.keys() == {str(quality), "0"}


@pytest.mark.parametrize("chosen", ["csv", "jsonl"])
def test_parts_that_a_crash_cuts_off_are_made_anew(
    catalogue: list[Image], chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = exported(chosen)
    monkeypatch.setattr("catalog.services.bulk_edits.CHUNK_IMAGES", 1)
    monkeypatch.setattr(exports, "_PART_BYTES", 1)
    edit, delivery = asked(chosen)
    stored: list[str] = []
    write_file = storage.write_file

    def crash_after_the_second(name: str, file: Any) -> None:
        write_file(name, file)
        stored.append(name)
        if len(stored) == 2:
            raise ZeroDivisionError

    monkeypatch.setattr(storage, "write_file", crash_after_the_second)
    with pytest.raises(ZeroDivisionError):
        exports.run_export(edit.pk, delivery=delivery)
    exports.run_export(edit.pk, delivery=delivery)

    edit.refresh_from_db()
    [file] = list_files(edit)
    assert (edit.done, edit.gone, len(file.parts)) == (3, 0, 3)
    assert stored == [f"exports/{edit.pk}-{number}" for number in (0, 1, 1, 2)]
    assert b"".join(file.pieces()) == whole


def test_each_part_of_an_archive_is_one(
    catalogue: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.services.bulk_edits.CHUNK_IMAGES", 2)
    monkeypatch.setattr(exports, "_PART_BYTES", 1)
    edit, delivery = asked("zip")
    catalogue[0].delete()
    exports.run_export(edit.pk, delivery=delivery)

    edit.refresh_from_db()
    files = list_files(edit)
    assert [file.name for file in files] == [f"semblance-{edit.pk}-{n}.zip" for n in (1, 2)]
    assert (edit.done, edit.gone) == (2, 1)
    members = []
    for file in files:
        with zipfile.ZipFile(io.BytesIO(b"".join(file.pieces()))) as archive:
            assert archive.testzip() is None
            members += archive.namelist()
    assert len(members) == len(set(members)) + 1  # each has a manifest


@pytest.mark.parametrize("chosen", ExportFormat.values)
def test_nobody_exports_what_they_may_not_see(add_image: AddImage, chosen: str) -> None:
    """Closed before the question, closed after it, in the bin; what they see says whose it is."""
    asker = User.objects.create_user("asker")
    ours, theirs = (Group.objects.create(name=name) for name in ("ours", "theirs"))
    asker.groups.add(ours)
    albums = [Album.objects.create(name=name) for name in ("our-album", "closed-album")]
    images = {
        name: add_image(encoded(noise(np.random.default_rng(number))), name)
        for number, name in enumerate(("seen", "closed-before", "closed-after", "binned"))
    }
    albums[0].images.add(images["seen"], images["closed-after"])
    albums[1].images.add(images["closed-before"])
    albums[0].groups.add(ours)
    albums[1].groups.add(theirs)

    def export() -> bytes:
        visible = list_visible_images(asker)
        edit = services.ask_bulk_edit("export", visible, started_by_id=asker.pk)
        services.start_bulk_edit(edit, {"format": chosen})
        albums[1].images.add(images["closed-after"])
        services.move_to_bin(Image.objects.filter(pk=images["binned"].pk))
        edit.refresh_from_db()
        assert edit.job is not None
        exports.run_export(edit.pk, delivery=claim(edit.job.pk))
        edit.refresh_from_db()
        assert (edit.total, edit.done, edit.gone) == (3, 1, 2)
        return b"".join(list_files(edit)[0].pieces())

    made = export()
    if chosen == "zip":
        with zipfile.ZipFile(io.BytesIO(made)) as archive:
            names = archive.namelist()
            made = archive.read("manifest.jsonl")
        assert names == [f"originals/{images['seen'].sha256}.png", "manifest.jsonl"]
    if chosen == "pdq":
        assert len(made.splitlines()) == 1
        return
    assert images["seen"].sha256.encode() in made
    for name in ("closed-before", "closed-after", "binned"):
        assert images[name].sha256.encode() not in made
    assert b"closed" not in made
    assert b"theirs" not in made
    if chosen in {"zip", "jsonl"}:
        assert json.loads(made)["private_to"] == {"our-album": ["ours"]}


@pytest.mark.parametrize("chosen", ["csv", "zip", "pdq_table"])
def test_a_full_disk_is_waited_for(
    catalogue: list[Image], chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit, delivery = asked(chosen)
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "TemporaryFile", lambda **_: io.FileIO("/dev/full", "r+"))
        with pytest.raises(TransientError) as full:
            exports.run_export(edit.pk, delivery=delivery)
    assert full.value.code == "storage:transient:unavailable"
    edit.refresh_from_db()
    assert (edit.state, edit.done) == ("running", 0)

    exports.run_export(edit.pk, delivery=delivery)

    edit.refresh_from_db()
    assert (edit.state, edit.done, len(list_files(edit))) == ("done", 3, 1)


def test_files_are_kept_for_a_day(catalogue: list[Image], media: Path) -> None:
    exported("csv")
    edit = BulkEdit.objects.get()
    assert services.expire_exports() == 0
    BulkEdit.objects.update(finished_at=timezone.now() - timedelta(hours=25))
    edit.refresh_from_db()

    assert list_files(edit) == ()
    assert services.expire_exports() == 1
    assert list(storage.list_names("exports")) == []


def test_an_export_without_images_is_empty(broker: Broker, media: Path) -> None:
    assert exported("jsonl") == b""


def test_reading_rows_takes_the_same_queries_for_many(
    catalogue: list[Image], django_assert_num_queries: Callable
) -> None:
    from catalog.exports import read_rows

    edit = services.ask_bulk_edit("export", Image.objects.all())
    with django_assert_num_queries(7):
        assert len(read_rows(edit.pk, [image.pk for image in catalogue])) == 3
