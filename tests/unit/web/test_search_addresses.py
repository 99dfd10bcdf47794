"""Addresses of searches: what a person sends is kept once, and found again at its address."""

import io
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Group
from PIL import Image as Pillow

from catalog import services, storage
from catalog.models import Album, Image
from kernel.messages import sentence
from kernel.task_messages import QueryRegion
from ml.rules.layout import Layout
from search import query_files
from tests.unit.web import fake_worker
from tests.unit.web.conftest import DARK_RED, RED, encoded, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

PAGE = "/"
JSON = {"headers": {"accept": "application/json"}}
PANELS = [QueryRegion("panel", 0, (0, 0, 30, 40)), QueryRegion("panel", 1, (30, 0, 60, 40))]


@pytest.fixture
def catalogue(searchable, worker) -> Image:
    searchable(encoded(DARK_RED), "dark red")
    return searchable(encoded(RED, kind="JPEG"), "red")


def kept() -> list[str]:
    return list(storage.list_names(query_files.FOLDER))


def titles(response) -> list[str]:
    return [hit.title for hit in response.context["result"].groups[0].hits]


def private(image: Image) -> None:
    album = Album.objects.create(name="private")
    album.groups.add(Group.objects.create(name="owners"))
    image.albums.add(album)


def test_a_picture_that_is_sent_leads_to_its_address_with_all_that_was_asked(client, catalogue):
    asked = {"picture": upload(encoded(RED), "a & b.png"), "label": ["dog", "cat"], "wait": "hits"}

    response = client.post(PAGE, {**asked, "box": "0,0,30,40"})

    assert response.status_code == 303
    [name] = kept()
    address = urlsplit(response["Location"])
    assert (address.netloc, address.path) == ("", "/")
    assert parse_qs(address.query) == {
        "query": [name.removeprefix("queries/")],
        "name": ["a & b.png"],
        "box": ["0,0,30,40"],
        "label": ["dog", "cat"],
        "wait": ["hits"],
    }
    assert fake_worker.extract_requests() == []  # the search is at the address


def test_at_its_address_a_search_is_opened_again_and_nothing_is_stored_or_extracted_twice(
    client, catalogue
):
    address = client.post(PAGE, {"picture": upload(encoded(RED))})["Location"]

    answers = [client.get(address) for _ in range(3)]

    assert [titles(answer) for answer in answers] == [["red", "dark red"]] * 3
    assert len(kept()) == 1
    assert len(fake_worker.extract_requests()) == 1


def test_the_picture_is_decoded_no_more_at_its_address(client, catalogue):
    address = client.post(PAGE, {"picture": upload(encoded(RED))})["Location"]
    [name] = kept()
    # given a file that no decoder reads any more: the fake worker gets its pixels of another
    fake_worker.answer_with(error="encoder:transient:out-of-memory")
    storage.write(name, b"no picture")

    answer = client.get(address, **JSON)

    assert answer.json()["error"]["code"] == "encoder:transient:out-of-memory"


def test_facts_that_are_lost_or_damaged_are_found_again(client, catalogue):
    address = client.post(PAGE, {"picture": upload(encoded(RED))})["Location"]
    [facts] = storage.list_names(query_files.EXTRACTED)

    for damage in (lambda: storage.delete(facts), lambda: storage.write(facts, b'{"width": 1}')):
        damage()

        assert titles(client.get(address)) == ["red", "dark red"]


def test_the_language_changes_at_the_same_address(client, catalogue):
    address = client.post(PAGE, {"picture": upload(encoded(RED))})["Location"]
    page = client.get(address)
    assert f'name="next" value="{address.replace("&", "&amp;")}"' in page.content.decode()

    changed = client.post("/i18n/setlang/", {"language": "ru", "next": address}, follow=True)

    assert changed.redirect_chain == [(address, 302)]
    assert titles(changed) == ["red", "dark red"]
    assert '<html lang="ru">' in changed.content.decode()


def test_the_address_says_how_long_it_is_good_for(client, catalogue):
    said = "Your picture is kept for an hour"

    upload_page = client.post(PAGE, {"picture": upload(encoded(RED))}, follow=True)
    image_page = client.get(PAGE, {"image": catalogue.pk})

    assert said in upload_page.content.decode()
    assert said not in image_page.content.decode()


def test_a_name_in_the_address_is_shown_as_text_and_does_nothing_else(client, catalogue):
    address = client.post(PAGE, {"picture": upload(encoded(RED))})["Location"]
    query = parse_qs(urlsplit(address).query)["query"]

    page = client.get(PAGE, {"query": query, "name": "<script>alert(1)</script>.exe"})

    assert page.context["result"].query_name == "<script>alert(1)</script>.exe"
    assert "<script>alert" not in page.content.decode()
    assert titles(page) == ["red", "dark red"]


@pytest.mark.parametrize("asked", [{"box": "1,2,3"}, {"wait": "soon"}], ids=str)
def test_what_is_asked_wrongly_is_refused_before_the_picture_is_kept(client, catalogue, asked):
    response = client.post(PAGE, {"picture": upload(encoded(RED)), **asked})

    assert response.status_code == 400
    assert kept() == []


def test_a_picture_of_the_catalogue_is_searched_where_it_lies(client, catalogue, version):
    fake_worker.answer_with(version_id=version.pk, layout=Layout.COLLAGE, regions=PANELS)

    pages = [client.get(PAGE, {"image": catalogue.pk}) for _ in range(2)]
    body = client.get(PAGE, {"image": catalogue.pk, "wait": "hits"}, **JSON).json()

    assert kept() == []
    assert len(fake_worker.extract_requests()) == 1
    result = pages[1].context["result"]
    assert result.query_name == "red"
    assert result.query_url == f"/images/{catalogue.pk}/preview.jpg"
    assert result.proofs_url == f"/?image={catalogue.pk}&wait=proofs"
    assert [part.url for part in result.parts] == [
        f"/?image={catalogue.pk}",
        f"/?image={catalogue.pk}&box=0%2C0%2C30%2C40",
        f"/?image={catalogue.pk}&box=30%2C0%2C60%2C40",
    ]
    assert (body["query"]["id"], body["query"]["image_id"]) == (None, str(catalogue.pk))
    assert body["proofs_url"] == f"/?image={catalogue.pk}&wait=proofs"
    proofs = client.get(body["proofs_url"], **JSON).json()
    assert proofs["copies"] == "checked"
    part = client.get(result.parts[2].url, **JSON).json()
    assert part["groups"][0]["region"]["box"] == [30, 0, 60, 40]
    assert len(fake_worker.extract_requests()) == 1


def test_panels_that_are_drawn_anew_are_searched_with_at_once(client, catalogue):
    for drawn in (None, [[0, 0, 30, 40]]):
        Image.objects.update(drawn_panels=drawn)
        client.get(PAGE, {"image": catalogue.pk})

    before, after = fake_worker.extract_requests()
    assert (before.panels, after.panels) == (None, ((0, 0, 30, 40),))


def test_a_picture_of_the_catalogue_is_shown_to_who_may_see_it(client, catalogue):
    preview = f"/images/{catalogue.pk}/preview.jpg"

    shown = client.get(preview)
    again = client.get(preview, headers={"if-none-match": shown["ETag"]})

    assert Pillow.open(io.BytesIO(shown.content)).size == (60, 40)
    assert (shown["Content-Type"], shown["Cache-Control"]) == ("image/jpeg", "private, no-cache")
    assert again.status_code == 304
    private(catalogue)
    assert client.get(preview, headers={"if-none-match": shown["ETag"]}).status_code == 404


def test_what_was_extracted_of_an_image_is_no_way_around_who_may_see_it(client, catalogue):
    # given that somebody searched with it before it became private
    client.get(PAGE, {"image": catalogue.pk})
    private(catalogue)

    statuses = [
        client.get(PAGE, {"image": catalogue.pk}).status_code,
        client.get(PAGE, {"query": catalogue.pk}).status_code,
        client.get(f"/queries/{catalogue.pk}.jpg").status_code,
    ]

    assert statuses == [404, 410, 404]


def test_a_picture_in_the_bin_has_no_address(client, catalogue):
    client.get(PAGE, {"image": catalogue.pk})
    services.move_to_bin(Image.objects.filter(pk=catalogue.pk))

    assert client.get(PAGE, {"image": catalogue.pk}).status_code == 404


def test_the_page_of_an_image_leads_to_the_search_with_it(client, catalogue):
    page = client.get(f"/images/{catalogue.pk}/").content.decode()

    assert f'href="/?image={catalogue.pk}">Search with this picture</a>' in page


def test_an_original_that_is_lost_is_our_fault_and_not_an_expired_query(client, catalogue):
    client.raise_request_exception = False
    storage.delete(storage.original_name(catalogue.sha256))
    fake_worker.answer_with(error="storage:ours:file-missing", name="originals/…")

    response = client.get(PAGE, {"image": catalogue.pk}, **JSON)

    assert response.status_code == 500
    assert response.json()["error"]["sentence"] == sentence("storage:ours:file-missing")
