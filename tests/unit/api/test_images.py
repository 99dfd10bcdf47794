"""Images by the API: listed in pages, read in full or in part, with their files."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from catalog import services
from catalog.models import Album, Image, Tag
from kernel.regions import FoundRegion
from tests.unit.api.conftest import code_of
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED, encoded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def five(add_image) -> list[Image]:
    """Five images, the newest first; two of them were added at the same moment."""
    now = timezone.now()
    images = []
    for number in range(5):
        image = add_image(encoded((number * 40, 10, 10)), f"number {number}")
        Image.objects.filter(pk=image.pk).update(created_at=now - timedelta(minutes=max(1, number)))
        images.append(image)
    return sorted(images[:2], key=lambda image: image.pk) + images[2:]


def ids(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [item["id"] for item in response.json()["items"]]


def test_an_image_is_told_in_full(visitor, searchable) -> None:
    image = searchable(encoded(RED), "a fox", FoundRegion("object", 0, 1, 2, 30, 31, "fox", 0.75))
    Image.objects.filter(pk=image.pk).update(owner="Ann", licence="CC0")
    image.tags.add(Tag.objects.create(name="red"))
    image.albums.add(Album.objects.create(name="foxes"))
    image.refresh_from_db()

    told = visitor.get(f"/images/{image.pk}").json()

    assert told == {
        "id": str(image.pk),
        "title": "a fox",
        "description": "",
        "status": "indexed",
        "error_code": "",
        "medium": "unknown",
        "is_medium_suggested": False,
        "format": "png",
        "width": 60,
        "height": 40,
        "file_bytes": len(encoded(RED)),
        "is_damaged": False,
        "sha256": image.sha256,
        "owner": "Ann",
        "licence": "CC0",
        "rights": "",
        "creator": "",
        "credit": "",
        "usage_terms": "",
        "licensor": "",
        "taken_at": "",
        "tags": ["red"],
        "albums": ["foxes"],
        "created_at": image.created_at.isoformat().replace("+00:00", "Z"),
        "indexed_at": image.indexed_at.isoformat().replace("+00:00", "Z"),
        "url": f"/images/{image.pk}/",
        "original_url": f"/api/v1/images/{image.pk}/original",
        "thumbnail_url": f"/api/v1/images/{image.pk}/thumbnail",
        "regions": [
            {"key": "object-0", "box": [1, 2, 30, 31], "label": "fox", "confidence": 0.75},
            {"key": "whole-0", "box": [0, 0, 60, 40], "label": "", "confidence": 1.0},
        ],
    }


def test_fields_choose_what_is_told(visitor, five) -> None:
    one = visitor.get(f"/images/{five[2].pk}?fields=title,width")
    several = visitor.get("/images?fields=sha256&limit=2")
    unknown = visitor.get("/images?fields=title,secret")

    assert one.json() == {"id": str(five[2].pk), "title": "number 2", "width": 60}
    assert several.json()["items"] == [
        {"id": str(image.pk), "sha256": image.sha256} for image in five[:2]
    ]
    assert code_of(unknown) == (422, "request:user:unknown-fields")


def test_pages_are_stable_while_images_are_added(visitor, five, add_image) -> None:
    first = visitor.get("/images?limit=2")
    add_image(encoded(BLUE), "newer")
    expected = [str(image.pk) for image in five]
    five[1].delete()  # the row that the cursor names

    second = visitor.get(f"/images?limit=2&cursor={first.json()['next_cursor']}")
    third = visitor.get(f"/images?limit=2&cursor={second.json()['next_cursor']}")

    assert ids(first) + ids(second) + ids(third) == expected
    assert third.json()["next_cursor"] is None


@pytest.mark.parametrize("cursor", ["x", "e30=", "WzEsIDJd", "%00", "WyIyMDI2IiwgIngiXQ=="])
def test_a_cursor_that_no_list_gave_out_is_refused(visitor, db, cursor) -> None:
    response = visitor.get(f"/images?cursor={cursor}")

    assert response.status_code in {400, 422}
    assert code_of(response)[1] in {"request:user:bad-cursor", "request:user:malformed"}


def test_filters_narrow_the_list(visitor, searchable, add_image) -> None:
    fox = searchable(encoded(RED), "a fox", FoundRegion("object", 0, 1, 2, 30, 31, "fox", 0.75))
    hen = searchable(encoded(GREEN), "a hen")
    add_image(encoded(BLUE), "the sky")
    Image.objects.filter(pk=hen.pk).update(owner="Ann", medium="photo")
    hen.tags.add(Tag.objects.create(name="farm"))
    fox.albums.add(Album.objects.create(name="wild"))

    found = {
        asked: ids(visitor.get(f"/images?{asked}"))
        for asked in (
            *("label=fox", "owner=Ann", "medium=photo", "tag=farm", "album=wild", "q=sky"),
            *(f"sha256={fox.sha256}", "status=queued", "tag=farm&album=wild", "tag=none"),
        )
    }

    sky = str(Image.objects.get(title="the sky").pk)
    assert found == {
        "label=fox": [str(fox.pk)],
        "owner=Ann": [str(hen.pk)],
        "medium=photo": [str(hen.pk)],
        "tag=farm": [str(hen.pk)],
        "album=wild": [str(fox.pk)],
        "q=sky": [sky],
        f"sha256={fox.sha256}": [str(fox.pk)],
        "status=queued": [sky],
        "tag=farm&album=wild": [],
        "tag=none": [],
    }


def test_an_image_in_a_private_album_is_not_there_for_others(visitor, program, five) -> None:
    album = Album.objects.create(name="secret")
    album.groups.add(Group.objects.create(name="insiders"))
    album.images.add(five[0])
    insider = program()
    insider.user.groups.set(album.groups.all())

    address = f"/images/{five[0].pk}"
    for path in (address, f"{address}/original", f"{address}/thumbnail"):
        assert code_of(visitor.get(path)) == (404, "request:user:not-found")
        assert insider.get(path).status_code == 200
    assert ids(visitor.get("/images")) == [str(image.pk) for image in five[1:]]
    assert ids(insider.get("/images")) == [str(image.pk) for image in five]
    assert ids(visitor.get("/images?album=secret")) == []
    assert insider.get(address).json()["albums"] == ["secret"]


def test_files_are_those_that_were_taken_in(visitor, add_image) -> None:
    data = encoded(DARK_RED)
    image = add_image(data, "dark")

    original = visitor.get(f"/images/{image.pk}/original")
    thumbnail = visitor.get(f"/images/{image.pk}/thumbnail")

    assert original.content == data
    assert original["Content-Type"] == "image/png"
    assert thumbnail["Content-Type"] == "image/jpeg"
    again = visitor.get(f"/images/{image.pk}/original", headers={"if-none-match": original["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_what_has_not_changed_is_not_sent_again(visitor, add_image) -> None:
    image = add_image(encoded(RED), "before")
    first = visitor.get(f"/images/{image.pk}")
    same = visitor.get(f"/images/{image.pk}", headers={"if-none-match": first["ETag"]})
    Image.objects.filter(pk=image.pk).update(title="after")

    changed = visitor.get(f"/images/{image.pk}", headers={"if-none-match": first["ETag"]})

    assert (same.status_code, same.content, same["ETag"]) == (304, b"", first["ETag"])
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


def test_caches_are_told_what_the_answer_depends_on(visitor, db) -> None:
    response = visitor.get("/images")

    assert response["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Accept-Language"} <= set(response["Vary"].split(", "))
    assert "Cookie" not in response["Vary"]


def test_head_is_get_without_a_body(visitor, add_image) -> None:
    image = add_image(encoded(RED), "red")

    head = visitor.head(f"/images/{image.pk}")
    get = visitor.get(f"/images/{image.pk}")

    assert (head.status_code, head.content) == (200, b"")
    assert head["Content-Length"] == str(len(get.content))
    assert head["ETag"] == get["ETag"]


def test_images_of_the_bin_are_not_listed(visitor, five) -> None:
    services.move_to_bin(Image.objects.filter(pk=five[0].pk))

    assert str(five[0].pk) not in ids(visitor.get("/images"))
    assert code_of(visitor.get(f"/images/{five[0].pk}"))[0] == 404


def test_words_of_paths_are_searched_by_staff_alone(visitor, program, add_image) -> None:
    image = add_image(encoded(RED), "a fox", path="1987/letters/1.png", source="/srv/scans")

    staff = program("catalog.view_image")
    for word in ("letters", "1987"):
        assert ids(visitor.get("/images", {"q": word})) == []
        assert ids(staff.get("/images", {"q": word})) == [str(image.pk)]
    assert ids(staff.get("/images", {"folder": "1987"})) == [str(image.pk)]
    assert ids(visitor.get("/images", {"q": "FOX"})) == [str(image.pk)]
    assert ids(visitor.get("/images", {"folder": "1987"})) == []
