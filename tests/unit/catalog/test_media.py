"""Media that were told from pictures, and what people say of them."""

import pytest
from django.utils import timezone

from catalog import exports, services
from catalog.models import BulkEdit, Image
from catalog.services import ImageMetadata
from catalog.services.media import suggest_media
from jobs.services import claim
from ml.rules.media import Medium
from tests.conftest import AddImage, Broker
from tests.pictures import plain

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def image(add_image: AddImage) -> Image:
    return add_image(plain())


def suggest(image: Image, medium: str) -> None:
    suggest_media({image.pk: medium}, at=timezone.now())
    image.refresh_from_db()


def said(image: Image) -> tuple[str, bool]:
    image.refresh_from_db()
    return image.medium, image.is_medium_suggested


def test_the_catalogue_has_the_media_that_can_be_told() -> None:
    assert set(Image.Medium.values) == set(Medium)


def test_an_unknown_medium_is_filled_as_a_suggestion(image: Image) -> None:
    suggest(image, "sketch")

    assert said(image) == ("sketch", True)


def test_a_suggestion_may_change_and_be_taken_back(image: Image) -> None:
    suggest(image, "sketch")
    suggest(image, "cartoon")
    assert said(image) == ("cartoon", True)

    suggest(image, "unknown")
    assert said(image) == ("unknown", False)


@pytest.mark.parametrize("told", ["sketch", "unknown"])
def test_what_a_person_said_stays_and_its_points_follow_it(add_image: AddImage, told: str) -> None:
    image = add_image(plain(), medium="photo")

    suggest(image, told)

    assert said(image) == ("photo", False)
    assert image.payload_due_at is not None  # a worker has just written the other


def test_a_suggestion_that_points_carry_already_is_not_written_again(image: Image) -> None:
    suggest(image, "sketch")

    assert image.payload_due_at is None


@pytest.mark.parametrize("value", ["sketch", "photo", "unknown"])
def test_an_edit_says_it_even_where_it_is_the_same(image: Image, value: str) -> None:
    suggest(image, "sketch")

    services.edit_image(image, {"medium": value}, by_id=None)

    assert not image.is_medium_suggested
    assert said(image) == (value, False)


def test_an_edit_of_other_fields_leaves_a_suggestion(image: Image) -> None:
    suggest(image, "sketch")

    services.edit_image(image, {"title": "new"}, by_id=None)

    assert said(image) == ("sketch", True)


@pytest.mark.parametrize(
    ("medium", "after"),
    [("photo", ("photo", False)), ("sketch", ("sketch", False)), ("", ("sketch", True))],
)
def test_what_a_source_says_now_replaces_a_suggestion(image: Image, medium, after) -> None:
    suggest(image, "sketch")

    services.update_metadata(image, ImageMetadata(medium=medium))

    assert said(image) == after


@pytest.mark.parametrize("value", ["sketch", "photo"])
def test_a_bulk_edit_confirms_suggestions(image: Image, broker: Broker, value: str) -> None:
    suggest(image, "sketch")
    edit = services.ask_bulk_edit(BulkEdit.Kind.SET_MEDIUM, Image.objects.all())
    services.start_bulk_edit(edit, {"value": value})
    edit.refresh_from_db()

    services.apply_next_chunk(edit.pk, delivery=claim(edit.job.pk))

    assert said(image) == (value, False)


def test_an_export_tells_suggestions_from_what_people_say(add_image: AddImage) -> None:
    people, told = add_image(plain(), medium="photo"), add_image(plain((1, 2, 3)))
    suggest(told, "sketch")
    edit = BulkEdit.objects.create(kind=BulkEdit.Kind.EXPORT, by_account=False)

    rows = exports.read_rows(edit.pk, [people.pk, told.pk])

    columns = ("medium", "suggested_medium")
    assert [[row[each] for each in columns] for row in rows] == [["photo", ""], ["", "sketch"]]
