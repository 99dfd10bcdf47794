"""An image's page and its files, for everybody."""

import io
from datetime import timedelta

import pytest
from django.core.files.storage import InMemoryStorage, default_storage
from django.template.loader import render_to_string
from django.utils import timezone
from PIL import Image as Pillow

from catalog import services, storage
from catalog.models import Album, Image, Tag
from catalog.presenters import thumbnail_srcset
from catalog.storage import ThumbnailSize
from catalog.validation import as_webp
from kernel.messages import sentence
from kernel.regions import FoundRegion, RegionKey
from tests.unit.web.conftest import BLUE, RED, encoded

FORMATS = [
    ("JPEG", "jpeg", "jpg"),
    ("PNG", "png", "png"),
    ("WEBP", "webp", "webp"),
    ("AVIF", "avif", "avif"),
    ("HEIF", "heic", "heic"),
    ("TIFF", "tiff", "tiff"),
]


def test_page_shows_the_facts(client, add_image):
    image = add_image(
        encoded(RED),
        "sunset <1>",
        owner="Ann",
        licence="CC BY 4.0",
        source="https://example.org/1",
        medium="photo",
        status="indexed",
    )
    image.tags.add(Tag.objects.create(name="sea"), Tag.objects.create(name="evening"))
    image.albums.add(Album.objects.create(name="Summer"))

    text = client.get(image.get_absolute_url()).content.decode()

    for fact in ("60 × 40 px", "PNG, ", "Ann", "CC BY 4.0", "evening, sea", "Summer", "photo"):
        assert fact in text
    assert "sunset &lt;1&gt;" in text
    assert f'src="/images/{image.pk}/original"' in text
    assert "/admin/" not in text


@pytest.mark.parametrize("is_suggested", [True, False])
def test_a_suggested_medium_is_shown_as_one(client, add_image, is_suggested):
    image = add_image(encoded(RED), medium="sketch", status="indexed")
    if is_suggested:
        Image.objects.filter(pk=image.pk).update(medium_suggested_at=timezone.now())

    text = client.get(image.get_absolute_url()).content.decode()

    assert "sketch" in text
    assert ("told from the picture" in text) is is_suggested


@pytest.mark.parametrize(
    ("account", "is_shown"),
    [
        (("staff", "catalog.view_image"), True),
        (("member", "catalog.view_image"), False),
        (("staff",), False),
        ((), False),
    ],
    ids=["staff-who-may", "no-staff", "staff-who-may-not", "visitor"],
)
def test_where_a_picture_came_from_is_for_staff(client, log_in, add_image, account, is_shown):
    image = add_image(encoded(RED), source="https://example.org/1", path="secret/folder/a.png")
    if account:
        log_in(*account[1:], staff=account[0] == "staff")

    text = client.get(image.get_absolute_url()).content.decode()

    assert ('href="https://example.org/1"' in text) is is_shown
    assert ("secret/folder/a.png" in text) is is_shown


def test_page_of_a_failed_image_says_why(client, add_image):
    image = add_image(encoded(RED), status="failed", error_code="encoder:ours:failed")

    text = client.get(image.get_absolute_url()).content.decode()

    assert sentence("encoder:ours:failed") in text


@pytest.mark.parametrize("is_damaged", [True, False])
def test_page_of_a_damaged_file_says_so(client, add_image, is_damaged):
    image = add_image(encoded(RED), is_damaged=is_damaged)

    page = client.get(image.get_absolute_url()).content.decode()

    assert ("The file is damaged: some of this picture is missing." in page) == is_damaged


@pytest.mark.parametrize(("is_staff", "is_shown"), [(True, True), (False, False)])
def test_link_to_the_admin_is_for_staff(client, log_in, add_image, is_staff, is_shown):
    image = add_image(encoded(RED))
    log_in("catalog.view_image", staff=is_staff)

    text = client.get(image.get_absolute_url()).content.decode()

    assert (f"/admin/catalog/image/{image.pk}/change/" in text) is is_shown


@pytest.mark.parametrize(("kind", "subtype", "ending"), FORMATS, ids=[f[1] for f in FORMATS])
def test_original_comes_as_it_was_taken_in(client, add_image, kind, subtype, ending):
    data = encoded(RED, kind=kind)
    image = add_image(data, "рассвет")

    response = client.get(f"/images/{image.pk}/original")

    assert response.content == data
    assert response["Content-Type"] == f"image/{subtype}"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "private, no-cache"
    assert response["ETag"] == f'"{image.sha256}"'
    is_saved = subtype in {"heic", "tiff"}
    expected = "attachment" if is_saved else "inline"
    name = "%D1%80%D0%B0%D1%81%D1%81%D0%B2%D0%B5%D1%82"
    assert response["Content-Disposition"] == f"{expected}; filename*=utf-8''{name}.{ending}"


def test_thumbnail_is_a_jpeg(client, add_image):
    image = add_image(encoded(RED, size=(800, 400)))

    response = client.get(f"/images/{image.pk}/thumbnail.jpg")

    assert response["Content-Type"] == "image/jpeg"
    assert response["ETag"] == f'"{image.sha256}-thumbnail"'
    with Pillow.open(io.BytesIO(response.content)) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("JPEG", (400, 200))


PARTS = ["original", "thumbnail.jpg", "panel-1.jpg", "panel-1/small.webp"]


@pytest.fixture
def pictured(add_image):
    """An indexed image with a panel that has a thumbnail."""
    image = add_image(encoded(RED))
    services.record_indexed({image.pk: [FoundRegion("panel", 1, 0, 0, 30, 20)]})
    name = storage.region_thumbnail_name(image.sha256, RegionKey("panel", 1))
    storage.write(name, encoded(RED, kind="JPEG"))
    return image


@pytest.mark.parametrize("part", PARTS)
def test_file_that_the_browser_has_is_not_sent_again(client, pictured, part, monkeypatch):
    url = f"/images/{pictured.pk}/{part}"
    etag = client.get(url)["ETag"]
    monkeypatch.setattr(storage, "read", None)  # it is not even read

    response = client.get(url, headers={"if-none-match": etag})

    assert (response.status_code, response.content) == (304, b"")
    assert response["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("end", ["bin", "purge"])
def test_an_address_ends_with_its_picture(client, pictured, part, end):
    url = f"/images/{pictured.pk}/{part}"
    etag = client.get(url)["ETag"]

    services.move_to_bin(Image.objects.all())
    if end == "purge":
        services.purge(Image.objects.all())
        services.delete_image(pictured.pk)

    # Even for a browser that has it.
    assert client.get(url, headers={"if-none-match": etag}).status_code == 404


@pytest.mark.parametrize(("part", "queries"), [*zip(PARTS, (2, 2, 3, 3), strict=True)])
@pytest.mark.parametrize("is_known", [False, True])
def test_a_picture_costs_next_to_no_queries(  # noqa: PLR0917  # pytest passes by name
    client, pictured, part, queries, is_known, django_assert_num_queries
):
    url = f"/images/{pictured.pk}/{part}"
    headers = {"if-none-match": client.get(url)["ETag"]} if is_known else {}

    with django_assert_num_queries(queries):
        client.get(url, headers=headers)


@pytest.mark.parametrize("part", ["panel-1.jpg", "panel-1/small.webp"])
def test_a_region_that_was_found_anew_is_sent_again(client, pictured, part):
    url = f"/images/{pictured.pk}/{part}"
    etag = client.get(url)["ETag"]

    Image.objects.update(indexed_at=pictured.created_at + timedelta(seconds=90))

    assert client.get(url, headers={"if-none-match": etag}).status_code == 200


@pytest.mark.parametrize("key", ["panel-2", "panel", "panel-x", "panel-²", "1", "face-1", "-1"])
def test_a_region_that_there_is_not_is_404(client, pictured, key):
    assert client.get(f"/images/{pictured.pk}/{key}.jpg").status_code == 404
    assert client.get(f"/images/{pictured.pk}/{key}/small.webp").status_code == 404


@pytest.fixture
def with_panel(add_image, media):
    """An indexed image with a panel whose thumbnail is as large as workers make them."""
    image = add_image(encoded(RED, size=(1600, 800)))
    services.record_indexed({image.pk: [FoundRegion("panel", 0, 0, 0, 1200, 600)]})
    name = storage.region_thumbnail_name(image.sha256, RegionKey("panel", 0))
    storage.write(name, encoded(RED, kind="JPEG", size=(256, 128)))
    return image


@pytest.mark.parametrize(("size", "pixels"), [("small", (128, 64)), ("medium", (256, 128))])
def test_a_regions_thumbnail_for_pages_is_made_once_and_goes_with_its_image(
    client, with_panel, size, pixels
):
    url = f"/images/{with_panel.pk}/panel-0/{size}.webp"

    first = client.get(url)

    assert (first.status_code, first["Content-Type"]) == (200, "image/webp")
    assert first["Cache-Control"] == "private, no-cache"
    with Pillow.open(io.BytesIO(first.content)) as picture:
        assert (picture.format, picture.size) == ("WEBP", pixels)
    storage.delete(storage.region_thumbnail_name(with_panel.sha256, RegionKey("panel", 0)))
    assert client.get(url).content == first.content
    services.request_deletion(Image.objects.all())
    assert client.get(url).status_code == 404
    services.delete_image(with_panel.pk)
    assert list(storage.list_names(storage.THUMBNAILS)) == []


def test_a_regions_thumbnail_is_not_kept_of_what_was_indexed_anew_meanwhile(
    client, with_panel, monkeypatch
):
    key, other = RegionKey("panel", 0), encoded(BLUE, kind="JPEG", size=(256, 128))

    def as_webp_slowly(jpeg, *, side_px):
        storage.write(storage.region_thumbnail_name(with_panel.sha256, key), other)
        return as_webp(jpeg, side_px=side_px)

    monkeypatch.setattr("catalog.thumbnails.as_webp", as_webp_slowly)
    url = f"/images/{with_panel.pk}/panel-0/small.webp"

    assert client.get(url).status_code == 200

    assert not any(map(storage.exists, storage.webp_names(with_panel.sha256, key)))


@pytest.mark.parametrize("size", ["large", "huge"])
def test_regions_have_no_thumbnails_larger_than_what_workers_make(client, with_panel, size):
    assert client.get(f"/images/{with_panel.pk}/panel-0/{size}.webp").status_code == 404


def test_a_page_names_a_regions_thumbnail_for_each_screen(client, with_panel):
    text = client.get(with_panel.get_absolute_url()).content.decode()

    small, medium = (f"/images/{with_panel.pk}/panel-0/{each}.webp" for each in ("small", "medium"))
    assert f'src="{small}" srcset="{small} 1x, {medium} 2x"' in text


def test_picture_that_browsers_cannot_draw_is_shown_by_its_thumbnail(client, add_image):
    image = add_image(encoded(RED, kind="TIFF"))

    text = client.get(image.get_absolute_url()).content.decode()

    assert f'src="/images/{image.pk}/thumbnail.jpg"' in text
    assert f'href="/images/{image.pk}/original" download' in text
    assert "Browsers cannot show TIFF" in text


@pytest.mark.parametrize("part", ["", "original", "thumbnail.jpg"])
def test_image_that_is_being_deleted_is_404(client, add_image, part):
    image = add_image(encoded(RED), status=Image.Status.DELETING)

    assert client.get(f"/images/{image.pk}/{part}").status_code == 404


def test_missing_file_is_404_with_its_sentence(client, add_image):
    image = add_image(encoded(RED))
    default_storage.delete(storage.original_name(image.sha256))

    response = client.get(f"/images/{image.pk}/original")

    assert response.status_code == 404
    assert sentence("storage:ours:file-missing") in response.content.decode()
    assert "immutable" not in response.get("Cache-Control", "")


@pytest.mark.parametrize("part", ["", "original", "thumbnail.jpg"])
def test_files_are_only_read(client, add_image, part):
    image = add_image(encoded(RED))

    assert client.post(f"/images/{image.pk}/{part}").status_code == 405
    assert Image.objects.filter(pk=image.pk).exists()


def test_unknown_page_is_404_in_our_look(client, db):
    response = client.get("/nothing/here")

    assert response.status_code == 404
    assert "There is no such page" in response.content.decode()


@pytest.mark.parametrize("page", ["400", "403", "403_csrf", "404", "500"])
def test_error_pages_need_no_request(page):
    assert "Back to the search" in render_to_string(f"{page}.html")


def test_healthz_asks_no_database(client):
    response = client.get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok")


@pytest.mark.parametrize(
    ("size", "pixels"), [("small", (128, 64)), ("medium", (256, 128)), ("large", (400, 200))]
)
def test_a_thumbnail_for_pages_is_made_once_and_goes_with_its_image(
    client, add_image, size, pixels
):
    image = add_image(encoded(RED, size=(1600, 800)))
    url = f"/images/{image.pk}/{size}.webp"

    first = client.get(url)

    assert (first.status_code, first["Content-Type"]) == (200, "image/webp")
    assert first["Cache-Control"] == "private, no-cache"
    assert first["ETag"] == f'"{image.sha256}-{size}"'
    with Pillow.open(io.BytesIO(first.content)) as picture:
        assert (picture.format, picture.size) == ("WEBP", pixels)
    storage.delete(storage.thumbnail_name(image.sha256))
    assert client.get(url).content == first.content
    services.request_deletion(Image.objects.all())
    assert client.get(url).status_code == 404
    services.delete_image(image.pk)
    assert not any(map(storage.exists, storage.webp_names(image.sha256)))


@pytest.mark.parametrize("size", ["small", "medium", "large"])
def test_a_thumbnail_for_pages_of_a_lost_one_is_not_there(client, add_image, size):
    image = add_image(encoded(RED))
    storage.delete(storage.thumbnail_name(image.sha256))

    assert client.get(f"/images/{image.pk}/{size}.webp").status_code == 404


@pytest.mark.parametrize("size", ["huge", "SMALL", "panel-1"])
def test_a_size_that_there_is_not_is_404(client, add_image, size):
    image = add_image(encoded(RED))

    assert client.get(f"/images/{image.pk}/{size}.webp").status_code == 404


class ReadOnlyStorage(InMemoryStorage):
    """Keeps what it has, and takes nothing more."""

    is_full = False

    def _save(self, name, content):
        if self.is_full:
            raise OSError(30, "Read-only file system")
        return super()._save(name, content)


def test_a_thumbnail_that_cannot_be_kept_is_shown(client, add_image, settings, monkeypatch):
    backend = {"BACKEND": f"{__name__}.{ReadOnlyStorage.__name__}"}
    settings.STORAGES = settings.STORAGES | {"default": backend}
    image = add_image(encoded(RED))
    monkeypatch.setattr(ReadOnlyStorage, "is_full", True)

    answer = client.get(f"/images/{image.pk}/medium.webp")

    assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
    assert not storage.exists(storage.webp_name(image.sha256, ThumbnailSize.MEDIUM))


@pytest.mark.parametrize(
    ("size", "addresses"),
    [((256, 100), ["medium.webp"]), ((257, 100), ["medium.webp 1x", "large.webp 2x"])],
)
def test_pages_name_a_thumbnail_for_each_screen(add_image, size, addresses):
    image = add_image(encoded(RED, size=size))

    assert thumbnail_srcset(image) == ", ".join(f"/images/{image.pk}/{each}" for each in addresses)
