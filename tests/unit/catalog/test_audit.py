import io
import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from catalog import audit as audits
from catalog import services, storage
from catalog.audit import Audit, audit, repair
from catalog.models import Album, EncoderVersion, Image, Tag
from catalog.services import ImageMetadata
from catalog.validation import validate
from catalog.vector_store import open_index
from jobs.models import JobRecord
from kernel.errors import TransientError
from kernel.ids import point_id
from kernel.regions import FULL_IMAGE_KEY, FoundRegion, RegionKey
from tests import fakes
from tests.conftest import AddImage
from tests.pictures import BLUE, GREEN, RED, plain
from tests.rows import add_picture, full_images
from vectors.index import Payload, Point, VectorIndex

pytestmark = pytest.mark.django_db(transaction=True)

Status = Image.Status


def point_of(image: Image, version: EncoderVersion, *, image_id: UUID | None = None) -> Point:
    """The point of an image, as a worker would write it; its embedding plays no part here."""
    payload = Payload(
        image_id=image_id or image.pk,
        kind="whole",
        labels=(),
        medium="unknown",
        tags=(),
        albums=(),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    key = point_id(sha256=image.sha256, region=FULL_IMAGE_KEY, encoder_version=version.pk)
    embedding = fakes.embed(fakes.Image.new("RGB", (4, 4), RED))
    return Point(id=key, embedding=embedding, payload=payload)


@pytest.fixture
def indexed(add_image: AddImage, version: EncoderVersion, index: VectorIndex) -> list[Image]:
    """Three images with everything that belongs to them."""
    images = [add_image(plain(colour)) for colour in (RED, GREEN, BLUE)]
    index.upsert([point_of(image, version) for image in images])
    services.record_indexed(full_images([image.pk for image in images]))
    return sorted(Image.objects.all(), key=lambda image: image.pk)


def make_old(media: Path, name: str, *, minutes: float = 11) -> None:
    past = time.time() - 60 * minutes
    os.utime(media / name, (past, past))


def test_agreement(indexed: list[Image]) -> None:
    found = audit()

    assert found.differences == {}
    assert found.images == {
        "queued": 0,
        "indexed": 3,
        "failed": 0,
        "deleting": 0,
        "binned": 0,
        "held": 0,
    }
    assert (found.regions, found.points) == (3, 3)


def test_an_empty_catalogue_agrees(version: EncoderVersion, media: Path) -> None:
    assert audit() == Audit(images=dict.fromkeys([*Status.values, "binned", "held"], 0))


def test_no_audit_before_an_encoder_was_chosen() -> None:
    with pytest.raises(TransientError):
        audit()


def test_a_lost_point_is_found_and_its_image_indexed_again(
    indexed: list[Image], version: EncoderVersion, index: VectorIndex
) -> None:
    image = indexed[1]
    index.delete([point_of(image, version).id])

    found = audit()
    assert found.differences == {"indexed images without all their points": [str(image.pk)]}

    repair(found)
    image.refresh_from_db()
    assert image.status == Status.QUEUED
    assert image.job.arguments == {"image_ids": [str(image.pk)]}


def test_a_lost_collection_is_made_anew_and_everything_indexed_again(
    add_image: AddImage, version: EncoderVersion
) -> None:
    image = add_image(plain())
    services.record_indexed(full_images([image.pk]))
    EncoderVersion.objects.update(collection=f"lost__{uuid4().hex}")
    version.refresh_from_db()

    found = audit()
    assert (found.missing_points, found.points) == ([image.pk], 0)

    repair(found)
    assert open_index(version).count() == 0
    assert Image.objects.get().status == Status.QUEUED


def test_a_point_without_an_image_is_found_and_removed(
    indexed: list[Image], version: EncoderVersion, index: VectorIndex
) -> None:
    stranger = point_of(Image(id=uuid4(), sha256="0" * 64), version)
    index.upsert([stranger])

    found = audit()
    assert found.differences == {"points without an image": [str(stranger.id)]}

    repair(found)
    assert audit().differences == {}
    assert index.count() == 3


STALE = "images whose points do not carry what their rows say"


@pytest.mark.parametrize(
    "change",
    [
        lambda image: Image.objects.filter(pk=image.pk).update(medium="drawing"),
        lambda image: image.tags.add(Tag.objects.create(name="t")),
        lambda image: image.albums.add(Album.objects.create(name="a")),
    ],
    ids=["medium", "tags", "albums"],
)
def test_points_that_carry_other_tags_than_sql_says_are_found_and_written_anew(
    indexed: list[Image], change
) -> None:
    change(indexed[1])

    found = audit()
    assert found.differences == {STALE: [str(indexed[1].pk)]}

    repair(found)
    [due] = services.list_due_payloads(limit=10)
    assert due.image_id == indexed[1].pk
    assert Image.objects.filter(status=Status.INDEXED).count() == 3  # no model runs
    assert audit().differences == {}  # it is on its way


def test_a_payload_that_changes_while_the_points_are_read_is_no_difference(
    indexed: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Points were read with the old tag; until they are asked about again, the new one is written.
    image = indexed[0]
    image.tags.add(Tag.objects.create(name="t"))
    real = audits.open_index

    def changing(version: EncoderVersion) -> fakes.FaultyIndex:
        return fakes.FaultyIndex(real(version), "scroll_payloads", change)

    def change() -> None:
        Image.objects.filter(pk=image.pk).update(payload_changes=1)

    monkeypatch.setattr(audits, "open_index", changing)

    assert audit().differences == {}


@pytest.mark.parametrize("status", [Status.QUEUED, Status.FAILED, Status.DELETING])
def test_a_point_of_a_known_image_is_no_orphan(
    add_image: AddImage, version: EncoderVersion, index: VectorIndex, status: str
) -> None:
    # Its worker has written the point and not yet recorded it, or its deletion is on its way.
    image = add_image(plain(), status=status)
    index.upsert([point_of(image, version)])

    assert audit().differences == {}


def test_a_point_that_names_another_image_is_indexed_again(
    indexed: list[Image], version: EncoderVersion, index: VectorIndex
) -> None:
    # Left over from an earlier image of the same content: no search could show what it names.
    image = indexed[0]
    index.upsert([point_of(image, version, image_id=uuid4())])

    found = audit()
    assert found.missing_points == [image.pk]

    repair(found)
    assert Image.objects.get(pk=image.pk).status == Status.QUEUED


def test_a_lost_original_is_found_and_its_image_marked_failed(
    indexed: list[Image], media: Path
) -> None:
    image = indexed[0]
    (media / storage.original_name(image.sha256)).unlink()

    found = audit()
    assert found.differences == {"images without their original file": [str(image.pk)]}

    repair(found)
    image.refresh_from_db()
    assert (image.status, image.error_code) == (Status.FAILED, "storage:ours:file-missing")
    assert audit().differences == {}


def test_a_lost_thumbnail_is_found_and_made_anew(indexed: list[Image], media: Path) -> None:
    image = indexed[0]
    thumbnail = media / storage.thumbnail_name(image.sha256)
    before = thumbnail.read_bytes()
    thumbnail.unlink()

    found = audit()
    assert found.differences == {"images without their thumbnail": [str(image.pk)]}

    repair(found)
    assert thumbnail.read_bytes() == before
    assert audit().differences == {}


def test_an_original_too_damaged_for_a_thumbnail_is_marked_failed(
    indexed: list[Image], media: Path
) -> None:
    image = indexed[0]
    (media / storage.thumbnail_name(image.sha256)).unlink()
    (media / storage.original_name(image.sha256)).write_bytes(b"damaged")

    repair(audit())

    image.refresh_from_db()
    assert (image.status, image.error_code) == (Status.FAILED, "image:user:not-a-picture")


@pytest.mark.parametrize("name_of", [storage.original_name, storage.thumbnail_name])
def test_an_old_file_without_an_image_is_found_and_removed(
    indexed: list[Image], media: Path, name_of
) -> None:
    name = name_of("0" * 64)
    storage.write(name, b".")
    make_old(media, name)

    found = audit()
    assert found.differences == {"files without an image": [name]}

    repair(found)
    assert not storage.exists(name)
    assert audit().differences == {}


def test_a_young_file_may_still_get_its_image(indexed: list[Image], media: Path) -> None:
    storage.write(storage.original_name("0" * 64), b".")
    make_old(media, storage.original_name("0" * 64), minutes=9)

    assert audit().differences == {}


def test_files_of_an_image_that_is_being_deleted_are_no_difference(
    add_image: AddImage, version: EncoderVersion, media: Path
) -> None:
    image = add_image(plain(), status=Status.DELETING)
    (media / storage.original_name(image.sha256)).unlink()

    assert audit().differences == {}


# Beside people and workers who go on


def test_a_picture_added_during_the_audit_is_no_difference(
    indexed: list[Image], use_storage
) -> None:
    picture = validate(plain((1, 2, 3)))
    added = []
    use_storage(
        "tests.storages.BusyStorage",
        operation="listdir",
        meanwhile=lambda: added.append(add_picture(picture, ImageMetadata())),
    )

    found = audit()

    assert len(added) == 1
    assert found.differences == {}


def test_an_image_whose_deletion_ends_during_the_audit_is_no_difference(
    add_image: AddImage, version: EncoderVersion, use_storage
) -> None:
    # Its files are listed (a folder, and one in it, of originals and thumbnails each), then go.
    image = add_image(plain(), status=Status.DELETING)
    use_storage(
        "tests.storages.BusyStorage",
        operation="listdir",
        nth=4,
        meanwhile=lambda: services.delete_image(image.pk),
    )

    found = audit()

    assert not Image.objects.exists()
    assert found.differences == {}


def test_a_file_that_got_its_image_after_the_audit_is_kept(
    indexed: list[Image], media: Path
) -> None:
    picture = validate(plain((1, 2, 3)))
    for name in (storage.original_name(picture.sha256), storage.thumbnail_name(picture.sha256)):
        storage.write(name, b"from an interrupted import")
        make_old(media, name)
    found = audit()
    add_picture(picture, ImageMetadata())

    repair(found)

    assert storage.read(storage.original_name(picture.sha256)) == picture.data
    assert storage.exists(storage.thumbnail_name(picture.sha256))


def test_a_point_that_got_its_image_after_the_audit_is_kept(
    indexed: list[Image], add_image: AddImage, version: EncoderVersion, index: VectorIndex
) -> None:
    picture = validate(plain((1, 2, 3)))
    index.upsert([point_of(Image(id=uuid4(), sha256=picture.sha256), version)])
    found = audit()
    image = add_image(picture.data)
    index.upsert([point_of(image, version)])
    services.record_indexed(full_images([image.pk]))

    repair(found)

    assert audit().differences == {}


def test_an_image_deleted_after_the_audit_stays_deleted(
    indexed: list[Image], version: EncoderVersion, index: VectorIndex
) -> None:
    image = indexed[0]
    index.delete([point_of(image, version).id])
    found = audit()
    services.request_deletion(Image.objects.filter(pk=image.pk))

    repair(found)

    assert Image.objects.get(pk=image.pk).status == Status.DELETING


# The command


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("audit", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_counts_both_sides(indexed: list[Image]) -> None:
    assert run().splitlines() == [
        "Catalogue: 3 images (0 queued, 3 indexed, 0 failed, 0 deleting, 0 binned, 0 held)",
        "           3 regions of indexed images",
        "Index:     3 points",
        "Catalogue, index and files agree.",
    ]


def test_the_command_fails_on_a_difference_and_mends_it_when_asked(
    indexed: list[Image], version: EncoderVersion, index: VectorIndex
) -> None:
    index.delete([point_of(indexed[0], version).id])

    with pytest.raises(CommandError, match="They differ"):
        run()
    assert JobRecord.objects.count() == 0

    said = run("--repair")
    assert f"1 indexed images without all their points:\n  {indexed[0].pk}\n" in said
    assert "Mended." in said
    assert JobRecord.objects.count() == 1


def test_the_command_says_why_it_cannot_look() -> None:
    with pytest.raises(CommandError, match="still being set up"):
        run()


# What is made of regions


@pytest.fixture
def collage(add_image: AddImage, version: EncoderVersion, index: VectorIndex) -> Image:
    """An indexed image with a panel, and all files that are made of both."""
    image = add_image(plain())
    panel = FoundRegion("panel", 0, 0, 0, 30, 40)
    indexed = {image.pk: [*full_images([image.pk])[image.pk], panel]}
    point = point_of(image, version)
    key = point_id(sha256=image.sha256, region=panel.key, encoder_version=version.pk)
    index.upsert([point, replace(point, id=key)])
    services.record_indexed(indexed)
    for region in (FULL_IMAGE_KEY, panel.key):
        for name in storage.derived_names(image.sha256, region):
            storage.write(name, b"made of it")
    return image


PANEL = RegionKey("panel", 0)


def test_files_made_of_regions_belong_to_their_image(collage: Image, media: Path) -> None:
    for folder in (storage.THUMBNAILS, storage.FEATURES):
        for name in storage.list_names(folder):
            make_old(media, name)

    found = audit()

    assert found.differences == {}
    assert (found.regions, found.points) == (2, 2)


def test_a_lost_thumbnail_of_a_panel_has_the_image_indexed_again(collage: Image) -> None:
    storage.delete(storage.region_thumbnail_name(collage.sha256, PANEL))

    found = audit()
    named = {"images without all their regions' thumbnails": [str(collage.pk)]}
    assert found.differences == named

    repair(found)
    assert Image.objects.get().status == Status.QUEUED


def test_lost_features_are_no_difference(collage: Image) -> None:
    storage.delete(storage.features_name(collage.sha256, FULL_IMAGE_KEY))

    assert audit().differences == {}


def test_files_made_of_an_image_that_is_gone_are_removed(collage: Image, media: Path) -> None:
    names = [
        name
        for key in (FULL_IMAGE_KEY, PANEL)
        for name in storage.derived_names(collage.sha256, key)
    ]
    for name in names:
        make_old(media, name)
    make_old(media, storage.original_name(collage.sha256))
    Image.objects.all().delete()

    found = audit()
    assert found.orphan_files == sorted([*names, storage.original_name(collage.sha256)])

    repair(found)
    assert not any(storage.exists(name) for name in names)


def test_a_point_left_over_from_a_description_that_was_stopped_is_removed(
    collage: Image, version: EncoderVersion, index: VectorIndex
) -> None:
    surplus = point_id(
        sha256=collage.sha256, region=RegionKey("panel", 5), encoder_version=version.pk
    )
    index.upsert([replace(point_of(collage, version), id=surplus)])

    found = audit()
    assert found.differences == {"points without an image": [str(surplus)]}

    repair(found)
    assert audit().differences == {}
