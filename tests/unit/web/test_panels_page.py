"""The admin's page on which panels are corrected, as it is without JavaScript."""

import pytest

from audit_log.models import AuditEntry
from catalog.models import Image
from kernel.regions import FoundRegion
from tests.unit.web.conftest import RED, encoded

pytestmark = pytest.mark.django_db


@pytest.fixture
def image(searchable):
    """A picture of 60 × 40 in which one panel was found."""
    return searchable(encoded(RED), "red", FoundRegion("panel", 0, 0, 0, 20, 40))


def address(image: Image) -> str:
    return f"/admin/catalog/image/{image.pk}/panels/"


def form(*boxes: tuple[object, ...], **more: str) -> dict[str, object]:
    sides = ("x0", "y0", "x1", "y1")
    fields = {
        f"form-{number}-{side}": value
        for number, box in enumerate(boxes)
        for side, value in zip(sides, box, strict=True)
    }
    counts = {"form-TOTAL_FORMS": len(boxes), "form-INITIAL_FORMS": 1}
    return counts | fields | {"decision": "panels"} | more


def test_what_was_found_is_shown_and_one_more_can_be_added(client, log_in, image):
    log_in("catalog.change_image", "catalog.view_image", staff=True)

    page = client.get(address(image))

    assert page.status_code == 200
    assert [row.initial for row in page.context["panels"]] == [
        {"x0": 0, "y0": 0, "x1": 20, "y1": 40},
        {},
    ]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (form((0, 0, 30, 40), (30, 0, 60, 40)), [[0, 0, 30, 40], [30, 0, 60, 40]]),
        (form((0, 0, 30, 40), ("", "", "", "")), [[0, 0, 30, 40]]),
        (form((0, 0, 30, 40), (30, 0, 60, 40), **{"form-0-DELETE": "on"}), [[30, 0, 60, 40]]),
        (form((0, 0, "", ""), **{"form-0-DELETE": "on"}), []),
        (form((0, 0, 30, 40), decision="no-collage"), []),
        (form((0, 0, "", ""), decision="automatic"), None),
    ],
)
def test_what_is_sent_is_kept(client, log_in, image, sent, kept):
    user = log_in("catalog.change_image", staff=True)
    Image.objects.update(drawn_panels=[[0, 0, 16, 16]])

    answer = client.post(address(image), sent)

    assert answer.status_code == 302
    image.refresh_from_db()
    assert (image.drawn_panels, image.status) == (kept, "queued")
    entry = AuditEntry.objects.get(object_id=str(image.pk))
    assert (entry.action, entry.actor_id) == ("changed", user.pk)
    assert entry.details == {"drawn_panels": [[[0, 0, 16, 16]], kept]}


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (form((0, 0, 30, 41)), "Each picture in it must lie inside"),
        (form((0, 0, 30, "")), "This field is required."),
        (form((0, 0, 30, "forty")), "Enter a whole number."),
        ({"decision": "panels"}, "ManagementForm data is missing"),
    ],
)
def test_what_cannot_be_kept_is_told_and_changes_nothing(client, log_in, image, sent, said):
    log_in("catalog.change_image", staff=True)

    answer = client.post(address(image), sent)

    assert answer.status_code == 200
    assert said in answer.content.decode()
    image.refresh_from_db()
    assert (image.drawn_panels, image.status) == (None, "indexed")


def test_only_those_who_may_change_images_draw(client, log_in, image):
    log_in("catalog.view_image", staff=True)

    answers = [client.get(address(image)), client.post(address(image), form((0, 0, 30, 40)))]

    assert [answer.status_code for answer in answers] == [403, 403]
    image.refresh_from_db()
    assert image.drawn_panels is None


def test_an_image_that_is_being_deleted_has_no_such_page(client, log_in, image):
    log_in("catalog.change_image", staff=True)
    Image.objects.update(status="deleting")

    assert client.get(address(image)).status_code == 404
