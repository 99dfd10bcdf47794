from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction

from catalog import selectors, services
from catalog.models import EncoderVersion, Image
from catalog.validation import validate
from kernel.errors import TransientError
from tests.conftest import AddImage
from tests.pictures import numbered, plain
from tests.rows import full_images, new_images

pytestmark = pytest.mark.django_db

Status = Image.Status


# Encoder versions


def new_version(number: int, state: str = EncoderVersion.State.BUILDING) -> EncoderVersion:
    return EncoderVersion.objects.create(
        encoder="grid", choice="grid", dim=3, collection=f"regions__grid__v{number}", state=state
    )


def test_one_version_is_live() -> None:
    first, second = new_version(1), new_version(2)

    services.make_live(first)
    services.make_live(second)

    first.refresh_from_db()
    assert first.state == EncoderVersion.State.RETIRED
    assert selectors.get_live_encoder() == second


def test_the_database_refuses_two_live_versions() -> None:
    services.make_live(new_version(1))

    with pytest.raises(IntegrityError):
        new_version(2, state=EncoderVersion.State.LIVE)


def test_a_failed_change_leaves_the_old_version_live() -> None:
    old, new = new_version(1), new_version(2)
    services.make_live(old)

    with transaction.atomic():
        services.make_live(new)
        transaction.set_rollback(True)

    assert selectors.get_live_encoder() == old


# Selectors


def test_no_encoder_yet() -> None:
    assert selectors.find_live_encoder() is None
    with pytest.raises(TransientError) as caught:
        selectors.get_live_encoder()
    assert caught.value.code == "encoder:transient:not-chosen"


def test_every_status_is_counted() -> None:
    ids = new_images(3)
    services.record_indexed(full_images(ids[:2]))

    assert selectors.count_by_status() == {
        **{"queued": 1, "indexed": 2, "failed": 0, "deleting": 0},
        "binned": 0,
        "held": 0,
    }


def test_images_indexed_again_can_still_be_found() -> None:
    ids = new_images(4)
    services.record_indexed(full_images(ids[:3]))
    Image.objects.filter(pk=ids[0]).update(status=Image.Status.QUEUED)
    Image.objects.filter(pk=ids[1]).update(status=Image.Status.DELETING)

    assert selectors.count_findable_and_waiting(AnonymousUser()) == (2, 2)


def test_images_are_found_by_id_unless_they_are_being_deleted() -> None:
    one, doomed = new_images(2)
    Image.objects.filter(pk=doomed).update(status=Status.DELETING)

    assert list(selectors.find_images([doomed, one, uuid4()], AnonymousUser())) == [one]


def test_an_image_is_found_by_its_content(add_image: AddImage) -> None:
    image = add_image(numbered(1))

    assert selectors.find_by_sha256(image.sha256) == image
    assert selectors.find_by_sha256("0" * 64) is None


def test_a_valid_picture_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        validate(plain()).width = 1
