import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from PIL import Image as Pillow

from catalog import services as catalog
from catalog import storage
from catalog.models import Album, EncoderVersion, Image, Region, Tag
from catalog.services import ImageMetadata
from catalog.validation import validate
from jobs import services
from jobs.models import Delivery, JobRecord
from jobs.services import JobTakenOver
from kernel.errors import TransientError, UserInputError
from kernel.ids import point_id
from kernel.regions import FULL_IMAGE_KEY, RegionKey
from kernel.task_names import INDEX_IMAGES
from ml.errors import MlError, OutOfDeviceMemory
from ml.rules.media import Medium
from ml.types import Box
from tests import fakes
from tests.conftest import AddImage, Broker
from tests.pictures import BLUE, GREEN, RED, corners, encoded, plain
from tests.rows import add_picture
from tests.tiffs import paged_tiff, raw_tiff
from tests.unit.workers.conftest import index_all, with_encoder, with_index
from vectors.errors import VectorStoreUnavailable
from vectors.index import Where
from worker_api import jobs
from workers.indexing import index_images
from workers.model_pool import Loaded
from workers.pictures import MAX_DECODED_PIXELS, decode_picture

pytestmark = pytest.mark.django_db(transaction=True)

Status = Image.Status


def point_ids(images: list[Image], version: EncoderVersion) -> set[UUID]:
    return {
        point_id(sha256=image.sha256, region=FULL_IMAGE_KEY, encoder_version=version.pk)
        for image in images
    }


def ends() -> dict[str, str]:
    """Title → status, with the error code of what failed."""
    rows = Image.objects.values_list("title", "status", "error_code")
    return {title: f"{status} {code}".strip() for title, status, code in rows}


@pytest.fixture
def images(add_image: AddImage) -> list[Image]:
    """40 pictures: more than two batches of the encoder. Number 17 is red."""
    colours = [(20, 6 * number, 120) for number in range(40)]
    colours[17] = RED
    return [add_image(plain(colour), str(number)) for number, colour in enumerate(colours)]


def test_every_picture_gets_its_point(
    images: list[Image], loaded: Loaded, version: EncoderVersion, settings
) -> None:
    settings.ENCODER_BATCH_SIZE = 16

    index_all([image.pk for image in images], loaded)

    assert set(ends().values()) == {"indexed"}
    assert {one for one, _ in loaded.index.scroll()} == point_ids(images, version)
    assert {image for _, image in loaded.index.scroll()} == {image.pk for image in images}
    assert Region.objects.count() == 40
    assert loaded.encoder.batches == [16, 16, 8]
    assert set(Image.objects.values_list("tries", flat=True)) == {1}


def test_a_picture_is_found_by_its_own_embedding(images: list[Image], loaded: Loaded) -> None:
    index_all([image.pk for image in images], loaded)

    query = fakes.embed(Pillow.new("RGB", (9, 9), RED))
    [[best, second, *_]] = loaded.index.search(query[np.newaxis], k=40)

    assert best.image_id == images[17].pk
    assert best.score == pytest.approx(1.0, abs=1e-5)
    assert second.score < 0.9


def test_a_point_carries_what_searches_filter_by(add_image: AddImage, loaded: Loaded) -> None:
    image = add_image(plain(), medium=Image.Medium.DRAWING)
    image.tags.set([Tag.objects.create(name="Кот"), Tag.objects.create(name="art")])
    image.albums.add(Album.objects.create(name="2024"))

    index_all([image.pk], loaded)

    query = fakes.embed(Pillow.new("RGB", (9, 9)))[np.newaxis]
    for where in (
        *(Where(kinds=("whole",)), Where(mediums=("drawing",))),
        *(Where(tags=("Кот",)), Where(tags=("art",)), Where(albums=("2024",))),
    ):
        [[hit]] = loaded.index.search(query, k=5, where=where)
        assert (hit.image_id, hit.kind) == (image.pk, "whole")


@pytest.mark.parametrize("times", [1, 2])
def test_panels_that_a_person_drew_are_indexed_each_time(
    add_image: AddImage, loaded: Loaded, version: EncoderVersion, times: int
) -> None:
    # given a picture in which nothing is found
    image = add_image(plain(size=(60, 40)))
    index_all([image.pk], loaded)
    assert Region.objects.filter(kind="panel").count() == 0

    catalog.draw_panels(image.pk, [(30, 0, 60, 40), (0, 0, 30, 40)])
    for _ in range(times):
        catalog.request_indexing(Image.objects.all())
        index_all([image.pk], loaded)

    panels = Region.objects.filter(kind="panel").order_by("ordinal")
    assert list(panels.values_list("x0", "y0", "x1", "y1")) == [(0, 0, 30, 40), (30, 0, 60, 40)]
    keys = [FULL_IMAGE_KEY, RegionKey("panel", 0), RegionKey("panel", 1)]
    assert {one for one, _ in loaded.index.scroll()} == {
        point_id(sha256=image.sha256, region=key, encoder_version=version.pk) for key in keys
    }


def test_a_picture_that_a_person_calls_single_loses_its_panels(
    add_image: AddImage, loaded: Loaded
) -> None:
    image = add_image(plain(size=(60, 40)), drawn_panels=[[0, 0, 30, 40]])
    index_all([image.pk], loaded)
    assert loaded.index.count() == 2

    catalog.draw_panels(image.pk, [])
    index_all([image.pk], loaded)

    assert (loaded.index.count(), Region.objects.count()) == (1, 1)


def test_doing_it_twice_changes_nothing(
    images: list[Image], loaded: Loaded, version: EncoderVersion
) -> None:
    ids = [image.pk for image in images]
    index_all(ids, loaded)
    indexed_at = list(Image.objects.values_list("indexed_at", flat=True))

    index_all(ids, loaded)

    assert {one for one, _ in loaded.index.scroll()} == point_ids(images, version)
    assert list(Image.objects.values_list("indexed_at", flat=True)) == indexed_at
    assert sum(loaded.encoder.batches) == 40


def test_describing_again_replaces_the_point(add_image: AddImage, loaded: Loaded) -> None:
    image = add_image(plain())
    index_all([image.pk], loaded)
    Image.objects.update(status=Status.QUEUED, medium="photo")

    index_all([image.pk], loaded)

    assert loaded.index.count() == 1
    query = fakes.embed(Pillow.new("RGB", (9, 9)))[np.newaxis]
    assert loaded.index.search(query, k=5, where=Where(mediums=("drawing",))) == [[]]
    [[hit]] = loaded.index.search(query, k=5, where=Where(mediums=("photo",)))
    assert hit.image_id == image.pk
    assert Region.objects.count() == 1


@pytest.mark.parametrize("ids", [[], [UUID(int=1)]], ids=["none", "unknown"])
def test_nothing_to_do(loaded: Loaded, ids: list[UUID]) -> None:
    index_all(ids, loaded)

    assert loaded.index.count() == 0
    assert loaded.encoder.batches == []


# One bad picture among many


def damage(image: Image, media: Path) -> None:
    (media / storage.original_name(image.sha256)).write_bytes(b"no picture any more")


def lose(image: Image, media: Path) -> None:
    (media / storage.original_name(image.sha256)).unlink()


@pytest.mark.parametrize(
    ("mishap", "code"),
    [(damage, "image:user:not-a-picture"), (lose, "storage:ours:file-missing")],
    ids=["damaged", "lost"],
)
def test_an_original_that_cannot_be_read_fails_alone(
    images: list[Image], loaded: Loaded, media: Path, mishap, code: str
) -> None:
    mishap(images[17], media)

    index_all([image.pk for image in images], loaded)

    found = ends()
    assert found.pop("17") == f"failed {code}"
    assert set(found.values()) == {"indexed"}
    assert loaded.index.count() == 39


@pytest.mark.parametrize("batch_size", [1, 7, 40, 64])
def test_a_picture_that_the_encoder_refuses_fails_alone(
    images: list[Image], loaded: Loaded, settings, batch_size: int
) -> None:
    settings.ENCODER_BATCH_SIZE = batch_size
    encoder = fakes.GridEncoder(fault=fakes.fails_on(RED))

    index_all([image.pk for image in images], with_encoder(loaded, encoder))

    found = ends()
    assert found.pop("17") == "failed encoder:ours:failed"
    assert set(found.values()) == {"indexed"}
    assert loaded.index.count() == 39


def test_every_picture_bad(images: list[Image], loaded: Loaded) -> None:
    encoder = fakes.GridEncoder(fault=lambda _: MlError("no"))

    index_all([image.pk for image in images], with_encoder(loaded, encoder))

    assert set(ends().values()) == {"failed encoder:ours:failed"}
    assert loaded.index.count() == 0


def test_a_batch_too_large_for_the_device_is_halved(images: list[Image], loaded: Loaded) -> None:
    class SmallDevice(fakes.GridEncoder):
        def encode(self, pictures):
            if len(pictures) > 3:
                raise OutOfDeviceMemory("no room")
            return super().encode(pictures)

    index_all([image.pk for image in images], with_encoder(loaded, SmallDevice()))

    assert set(ends().values()) == {"indexed"}
    assert loaded.index.count() == 40


def test_a_device_without_room_for_one_picture_is_no_fault_of_the_picture(
    images: list[Image], loaded: Loaded
) -> None:
    encoder = fakes.GridEncoder(fault=lambda _: OutOfDeviceMemory("somebody else has it all"))

    with pytest.raises(TransientError) as caught:
        index_all([image.pk for image in images], with_encoder(loaded, encoder))

    assert caught.value.code == "encoder:transient:out-of-memory"
    assert set(ends().values()) == {"queued"}


def test_an_encoder_that_breaks_in_an_unforeseen_way_is_not_hidden(
    images: list[Image], loaded: Loaded, settings
) -> None:
    settings.ENCODER_BATCH_SIZE = 16
    encoder = fakes.GridEncoder(fault=fakes.fails_on(RED, ZeroDivisionError))

    with pytest.raises(ZeroDivisionError):
        index_all([image.pk for image in images], with_encoder(loaded, encoder))

    # The first batch was recorded before; number 17 is in the second.
    assert Counter(ends().values()) == {"indexed": 16, "queued": 24}


# Parts that are away


@pytest.mark.parametrize("operation", ["count", "upsert", "delete"])
def test_a_store_that_is_away_leaves_everything_waiting(
    images: list[Image], loaded: Loaded, operation: str
) -> None:
    away = fakes.FaultyIndex(loaded.index, operation, VectorStoreUnavailable)

    with pytest.raises(TransientError):
        index_all([image.pk for image in images], with_index(loaded, away))

    index_all([image.pk for image in images], loaded)
    assert set(ends().values()) == {"indexed"}
    assert loaded.index.count() == 40


def test_a_store_that_is_away_is_noticed_before_the_work(
    images: list[Image], loaded: Loaded
) -> None:
    away = fakes.FaultyIndex(loaded.index, "count", VectorStoreUnavailable)

    with pytest.raises(TransientError):
        index_all([image.pk for image in images], with_index(loaded, away))

    assert loaded.encoder.batches == []


def test_a_storage_that_goes_away_leaves_the_rest_waiting(
    images: list[Image], loaded: Loaded, use_storage, settings
) -> None:
    settings.ENCODER_BATCH_SIZE = 16
    use_storage("tests.storages.FailingStorage", operation="open", good=20)

    with pytest.raises(TransientError):
        index_all([image.pk for image in images], loaded)

    assert Counter(ends().values()) == {"indexed": 16, "queued": 24}
    assert loaded.index.count() == 16


# Deletions meanwhile


@pytest.mark.parametrize("is_gone", [False, True], ids=["asked-for", "done"])
@pytest.mark.parametrize("is_kept", [False, True], ids=["extracted", "kept"])
def test_an_image_deleted_while_it_is_described_or_kept_leaves_no_point(
    images: list[Image], loaded: Loaded, version: EncoderVersion, is_gone: bool, is_kept: bool
) -> None:
    def delete_it(_picture: Pillow.Image | None = None) -> None:
        Image.objects.filter(pk=images[3].pk).update(status=Status.DELETING)
        if is_gone:
            catalog.delete_image(images[3].pk)

    if is_kept:
        watched = with_index(loaded, fakes.FaultyIndex(loaded.index, "upsert", delete_it))
    else:
        watched = with_encoder(loaded, fakes.GridEncoder(fault=delete_it))
    index_all([image.pk for image in images], watched)

    remaining = [image for image in images if image != images[3]]
    assert {one for one, _ in loaded.index.scroll()} == point_ids(remaining, version)
    assert Image.objects.filter(status=Status.INDEXED).count() == 39


def test_an_image_handed_to_a_later_job_meanwhile_waits_for_that_one(
    images: list[Image], loaded: Loaded, version: EncoderVersion
) -> None:
    def retag(picture: Pillow.Image) -> None:
        Image.objects.filter(pk=images[3].pk).update(job=later)

    later = JobRecord.objects.create(name=INDEX_IMAGES, queue="bulk")
    index_all([image.pk for image in images], with_encoder(loaded, fakes.GridEncoder(fault=retag)))

    assert Image.objects.get(status=Status.QUEUED) == images[3]
    # Its point is the later job's affair: this one would be of the old tags.
    assert not {one for one, _ in loaded.index.scroll()} & point_ids([images[3]], version)
    index_images([images[3].pk], loaded, delivery=jobs.claim(later.pk))
    assert Image.objects.filter(status=Status.INDEXED).count() == 40


def test_what_a_later_job_has_done_before_older_points_were_written_is_done_once_more(
    images: list[Image], loaded: Loaded, settings
) -> None:
    settings.ENCODER_BATCH_SIZE = 64

    def retag_and_index() -> None:
        retagged = Image.objects.filter(pk=images[3].pk)
        catalog.request_indexing(retagged)
        index_all([images[3].pk], loaded)

    slow = with_index(loaded, fakes.FaultyIndex(loaded.index, "upsert", retag_and_index))
    index_all([image.pk for image in images], slow)

    assert Image.objects.get(status=Status.QUEUED) == images[3]
    assert Image.objects.get(status=Status.QUEUED).job is None  # the next sweep hands it out
    assert Region.objects.count() == 40


# A worker that stalls, and whose job went on without it


@pytest.fixture
def take_over(images: list[Image], broker: Broker) -> Callable[..., Delivery]:
    """Have the job that runs found dead and claimed by another worker, at the first call."""
    taken: list[Delivery] = []

    def take_over() -> Delivery:
        if not taken:
            job = JobRecord.objects.get(state=JobRecord.State.RUNNING)
            services.recover(job.delivery, on_dead=lambda _: None)
            taken.append(jobs.claim(job.pk))
        return taken[0]

    return take_over


def test_a_worker_that_wakes_after_its_job_was_taken_over_stops_and_changes_nothing(
    images: list[Image], loaded: Loaded, take_over, settings
) -> None:
    settings.ENCODER_BATCH_SIZE = 16
    encoder = fakes.GridEncoder(fault=lambda _: take_over() and None)

    with pytest.raises(JobTakenOver):
        index_all([image.pk for image in images], with_encoder(loaded, encoder))

    assert encoder.batches == [16]
    assert loaded.index.count() == 0
    assert set(ends().values()) == {"queued"}
    index_images([image.pk for image in images], loaded, delivery=take_over())
    assert set(ends().values()) == {"indexed"}
    assert Region.objects.count() == 40


def test_a_picture_that_fails_after_the_job_was_taken_over_is_its_successors(
    images: list[Image], loaded: Loaded, take_over
) -> None:
    def fail(picture: Pillow.Image) -> MlError | None:
        take_over()
        return fakes.fails_on(RED)(picture)

    with pytest.raises(JobTakenOver):
        index_all(
            [image.pk for image in images], with_encoder(loaded, fakes.GridEncoder(fault=fail))
        )

    assert set(ends().values()) == {"queued"}


def test_a_job_taken_over_while_points_are_written_is_recorded_by_its_successor_alone(
    images: list[Image], loaded: Loaded, version: EncoderVersion, take_over, settings
) -> None:
    settings.ENCODER_BATCH_SIZE = 64
    doomed = images[5]
    of_the_successor: set[int] = set()

    def take_over_and_delete() -> None:
        index_images([image.pk for image in images], loaded, delivery=take_over())
        catalog.request_deletion(Image.objects.filter(pk=doomed.pk))
        catalog.delete_image(doomed.pk)
        of_the_successor.update(Region.objects.values_list("pk", flat=True))

    stalled = with_index(loaded, fakes.FaultyIndex(loaded.index, "upsert", take_over_and_delete))
    index_all([image.pk for image in images], stalled)

    # Each picture as the successor left it; of what was deleted meanwhile there is no point.
    assert set(ends().values()) == {"indexed"}
    assert set(Region.objects.values_list("pk", flat=True)) == of_the_successor
    remaining = [image for image in images if image != doomed]
    assert {one for one, _ in loaded.index.scroll()} == point_ids(remaining, version)


def test_images_that_do_not_wait_are_left_alone(add_image: AddImage, loaded: Loaded) -> None:
    add_image(plain(RED), "doomed", status=Status.DELETING)
    add_image(plain(GREEN), "failed", status=Status.FAILED, error_code="image:ours:gave-up")
    add_image(plain(BLUE), "indexed", status=Status.INDEXED)

    index_all([image.pk for image in Image.objects.all()], loaded)

    assert ends() == {
        "doomed": "deleting",
        "failed": "failed image:ours:gave-up",
        "indexed": "indexed",
    }
    assert loaded.encoder.batches == []


# Decoding


def test_an_original_is_decoded_upright() -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    stored = corners(64, 32).transpose(Pillow.Transpose.ROTATE_90)

    picture = decode_picture(encoded(stored, "JPEG", exif=exif), width=64, height=32)

    assert (picture.image.size, picture.image.mode) == ((64, 32), "RGB")


@pytest.mark.parametrize(
    ("size", "format_name", "expected"),
    [
        ((3840, 2160), "JPEG", (3840, 2160)),
        ((4000, 3200), "JPEG", (2000, 1600)),
        ((4000, 3200), "PNG", (2000, 1600)),
        ((9000, 3000), "JPEG", (4500, 1500)),
        ((9000, 3000), "PNG", (4500, 1500)),
        ((200_000, 63), "PNG", (100_000, 32)),
    ],
)
def test_a_large_picture_is_looked_at_in_less_detail(size, format_name, expected) -> None:
    picture = decode_picture(encoded(corners(*size), format_name), width=size[0], height=size[1])

    assert picture.image.size == expected
    assert (picture.width, picture.height) == size
    assert math.prod(expected) <= MAX_DECODED_PIXELS


def test_pages_keep_their_places_in_less_detail() -> None:
    pages = [np.zeros((3000, 4000, 3), np.uint8), np.full((1000, 2000, 3), 9, np.uint8)]
    height = 3000 + 16 + 1000

    picture = decode_picture(paged_tiff(pages), width=4000, height=height)

    assert picture.image.size == (2000, height // 2)
    assert picture.panels == (Box(0, 0, 4000, 3000), Box(1000, 3016, 3000, height))
    second = picture.crop(picture.panels[1])
    assert second.image.getcolors() == [(1000 * 500, (9, 9, 9))]


def test_pages_of_a_picture_that_was_recorded_otherwise_are_no_panels() -> None:
    pages = [np.zeros((30, 40, 3), np.uint8)] * 2

    picture = decode_picture(paged_tiff(pages), width=40, height=30)

    assert (picture.bounds, picture.panels) == (Box(0, 0, 40, 30), None)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"text", "image:user:not-a-picture"),
        (b"", "image:user:not-a-picture"),
        (raw_tiff((8, 8), bytes(64), compression=34712), "image:user:unsupported-format"),
    ],
)
def test_what_cannot_be_decoded_is_the_pictures_fault(data: bytes, code: str) -> None:
    with pytest.raises(UserInputError) as caught:
        decode_picture(data, width=1, height=1)

    assert caught.value.code == code


def test_the_pixel_limit_holds_for_originals_too(settings) -> None:
    settings.UPLOAD_MAX_PIXELS = 100

    with pytest.raises(UserInputError) as caught:
        decode_picture(plain(), width=60, height=40)

    assert caught.value.code == "image:user:too-many-pixels"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF"])
def test_what_was_taken_in_can_be_described(kind: str, media: Path, loaded: Loaded) -> None:
    data = encoded(corners(64, 32), kind)
    added = add_picture(validate(data), ImageMetadata(title=kind))

    index_all([added.image_id], loaded)

    assert ends() == {kind: "indexed"}


# The medium


def told(image: Image) -> tuple[str, bool]:
    image.refresh_from_db()
    return image.medium, image.is_medium_suggested


def mediums_of_points(loaded: Loaded, image: Image) -> set[str]:
    query = fakes.embed(Pillow.new("RGB", (9, 9)))[np.newaxis]
    return {
        medium
        for medium in Image.Medium.values
        for hit in loaded.index.search(query, k=5, where=Where(mediums=(medium,)))[0]
        if hit.image_id == image.pk
    }


@pytest.fixture
def tells(monkeypatch: pytest.MonkeyPatch) -> Callable[[Medium], None]:
    """Sets what pictures look like from now on."""

    def tell(medium: Medium) -> None:
        monkeypatch.setattr("workers.regions.tell_medium", lambda _: medium)

    return tell


def test_an_unknown_medium_is_told_from_the_picture(
    add_image: AddImage, loaded: Loaded, tells: Callable[[Medium], None]
) -> None:
    image = add_image(plain())
    tells(Medium.SKETCH)

    index_all([image.pk], loaded)

    assert told(image) == ("sketch", True)
    assert mediums_of_points(loaded, image) == {"sketch"}
    assert image.payload_due_at is None


def test_a_suggestion_is_told_anew_each_time(
    add_image: AddImage, loaded: Loaded, tells: Callable[[Medium], None]
) -> None:
    image = add_image(plain())
    for medium in (Medium.SKETCH, Medium.CARTOON, Medium.UNKNOWN):
        tells(medium)
        catalog.request_indexing(Image.objects.all())
        index_all([image.pk], loaded)

        assert told(image) == (medium.value, medium is not Medium.UNKNOWN)
        assert mediums_of_points(loaded, image) == {medium.value}


def test_what_a_person_said_is_never_told_from_the_picture(
    add_image: AddImage, loaded: Loaded, tells: Callable[[Medium], None]
) -> None:
    image = add_image(plain(), medium=Image.Medium.PAINTING)
    tells(Medium.PHOTO)

    index_all([image.pk], loaded)

    assert told(image) == ("painting", False)
    assert mediums_of_points(loaded, image) == {"painting"}


def test_what_a_person_says_meanwhile_stays(
    add_image: AddImage, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = add_image(plain())

    def tell(_: Pillow.Image) -> Medium:
        catalog.edit_image(Image.objects.get(), {"medium": "photo"}, by_id=None)
        return Medium.SKETCH

    monkeypatch.setattr("workers.regions.tell_medium", tell)

    index_all([image.pk], loaded)

    assert told(image) == ("photo", False)
    assert image.payload_due_at is not None  # its points carry the sketch still


def test_a_collage_is_of_no_medium(
    add_image: AddImage, loaded: Loaded, tells: Callable[[Medium], None]
) -> None:
    image = add_image(plain(size=(60, 40)))
    catalog.draw_panels(image.pk, [(0, 0, 30, 40), (30, 0, 60, 40)])
    tells(Medium.PHOTO)

    index_all([image.pk], loaded)

    assert told(image) == ("unknown", False)
