from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from catalog.models import Album, Image, Region, Tag
from jobs.models import Delivery, JobRecord
from kernel.errors import FileMissing
from kernel.ids import point_id
from kernel.regions import region_key
from kernel.task_names import INDEX_IMAGES
from tests.conftest import AddImage
from tests.pictures import BLUE, GREEN, RED, plain
from vectors.index import EditablePayload
from worker_api import images, jobs

pytestmark = pytest.mark.django_db

Status = Image.Status


@pytest.fixture
def claim() -> Callable[[], Delivery]:
    """Give all images there are to a job, and claim it."""

    def claim() -> Delivery:
        job = JobRecord.objects.create(name=INDEX_IMAGES, queue="bulk")
        Image.objects.update(job=job)
        return jobs.claim(job.pk)

    return claim


def test_images_that_wait_are_claimed_with_what_describing_needs(
    add_image: AddImage, claim: Callable[[], Delivery]
) -> None:
    image = add_image(plain(), medium="photo", drawn_panels=[[0, 0, 30, 40]])
    image.tags.set([Tag.objects.create(name="b"), Tag.objects.create(name="a")])
    image.albums.add(Album.objects.create(name="x"))

    [claimed] = images.claim_images([image.pk], delivery=claim())

    assert claimed == images.ClaimedImage(
        id=image.pk,
        sha256=image.sha256,
        width=60,
        height=40,
        regions=frozenset(),
        drawn_panels=((0, 0, 30, 40),),
        payload=EditablePayload(medium="photo", tags=("a", "b"), albums=("x",)),
        payload_changes=0,
        created_at=image.created_at,
    )
    assert images.read_original(claimed.sha256) == plain()
    assert Image.objects.get().tries == 1


def test_images_that_do_not_wait_are_not_claimed(
    add_image: AddImage, claim: Callable[[], Delivery]
) -> None:
    waiting = add_image(plain(RED))
    add_image(plain(GREEN), status=Status.INDEXED)
    add_image(plain(BLUE), status=Status.DELETING)
    ids = [*Image.objects.values_list("pk", flat=True), uuid4()]

    assert [one.id for one in images.claim_images(ids, delivery=claim())] == [waiting.pk]
    assert sum(Image.objects.values_list("tries", flat=True)) == 1


def test_claiming_asks_the_database_the_same_for_one_and_for_many(
    add_image: AddImage, claim: Callable[[], Delivery], django_assert_num_queries
) -> None:
    ids = [add_image(plain(colour)).pk for colour in (RED, GREEN, BLUE)]
    delivery = claim()

    # The job, the try, the images, their tags, albums and regions.
    with django_assert_num_queries(6):
        images.claim_images(ids, delivery=delivery)


def test_an_original_that_is_lost(media) -> None:
    with pytest.raises(FileMissing) as caught:
        images.read_original("0" * 64)

    assert caught.value.code == "storage:ours:file-missing"


def ids_of(image: Image, *parts: tuple[str, int]) -> set[UUID]:
    return {
        point_id(sha256=image.sha256, region=region_key(kind, ordinal), encoder_version=7)
        for kind, ordinal in parts
    }


@pytest.mark.parametrize(
    "recorded",
    [
        pytest.param([], id="not-recorded-yet"),
        pytest.param([("whole", 0)], id="whole"),
        pytest.param([("whole", 0), ("panel", 0), ("object", 3)], id="all-kinds"),
        pytest.param([("whole", 0), ("panel", 77)], id="more-than-are-made-now"),
    ],
)
def test_a_doomed_image_names_all_points_that_it_may_have(
    add_image: AddImage, recorded: list[tuple[str, int]]
) -> None:
    image = add_image(plain(), status=Status.DELETING)
    for kind, ordinal in recorded:
        Region.objects.create(image=image, kind=kind, ordinal=ordinal, x0=0, y0=0, x1=1, y1=1)

    [doomed] = images.claim_doomed([image.pk], encoder_version=7)

    assert doomed.id == image.pk
    panels, objects = {("panel", n) for n in range(40)}, {("object", n) for n in range(12)}
    expected = {("whole", 0)} | panels | objects | set(recorded)
    assert set(doomed.point_ids) == ids_of(image, *expected)
    assert len(doomed.point_ids) == len(expected)


def test_only_images_whose_deletion_was_asked_for_are_doomed(add_image: AddImage) -> None:
    image = add_image(plain())

    assert images.claim_doomed([image.pk, uuid4()], encoder_version=7) == ()
