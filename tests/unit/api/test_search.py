"""Searching by the API: the same question and the same answer as the page's."""

from ipaddress import ip_network
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from catalog.models import Album
from tests.unit.api.conftest import code_of
from tests.unit.ingestion.sites import body, raw, site
from tests.unit.web import fake_worker
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED, encoded, upload

GONE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def titles(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [hit["title"] for hit in response.json()["groups"][0]["hits"]]


@pytest.fixture
def catalogue(searchable, worker):
    return {
        name: searchable(encoded(colour), name)
        for name, colour in (("red", RED), ("dark red", DARK_RED), ("green", GREEN))
    }


def test_a_form_bytes_an_image_and_a_kept_query_find_the_same(visitor, catalogue) -> None:
    data = encoded(RED)

    by_form = visitor.post("/search", {"picture": upload(data)})
    by_bytes = visitor.post("/search", data, content_type="image/png")
    by_octets = visitor.post("/search", data, content_type="application/octet-stream")
    by_image = visitor.get(f"/search?image={catalogue['red'].pk}")
    by_query = visitor.get(f"/search?query={by_form.json()['query']['id']}")

    expected = ["red", "dark red", "green"]
    answers = (by_form, by_bytes, by_octets, by_image, by_query)
    assert [titles(each) for each in answers] == [expected] * 5


def test_the_answer_is_the_pages_own(client, visitor, catalogue) -> None:
    sent = {"picture": upload(encoded(RED))}
    page = client.post("/", sent, headers={"accept": "application/json"}).json()
    sent["picture"].seek(0)

    api = visitor.post("/search", sent).json()

    for each in (page, api):
        for changing in ("model_ms", "total_ms", "proofs_url"):
            del each[changing]
        del each["query"]["id"]
        for hit in each["groups"][0]["hits"]:
            del hit["thumbnail_url"]
            hit.pop("decide_with", None)  # on the page it is in the form
    assert api == page


def test_a_box_and_a_label_narrow_the_search(visitor, catalogue) -> None:
    image = catalogue["red"].pk

    box = visitor.get(f"/search?image={image}&box=0,0,30,40&wait=hits")
    label = visitor.get(f"/search?image={image}&label=cat")

    assert box.json()["groups"][0]["region"]["box"] == [0, 0, 30, 40]
    assert box.json()["copies"] == "pending"
    assert titles(label) == []
    again = visitor.get(box.json()["proofs_url"].removeprefix("/api/v1"))
    assert again.json()["copies"] == "checked"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param({}, (422, "image:user:none-chosen"), id="nothing"),
        pytest.param({"data": b"no picture"}, (422, "image:user:not-a-picture"), id="no-picture"),
        pytest.param(
            {"data": b"<svg xmlns='http://www.w3.org/2000/svg'/>"},
            (415, "image:user:unsupported-format"),
            id="a-format-that-is-none-of-ours",
        ),
        pytest.param(
            {"data": b"x", "kind": "text/plain"},
            (415, "request:user:unsupported-media"),
            id="kind-of-body",
        ),
        pytest.param(
            {"data": b"{", "kind": "application/json"}, (400, "request:user:malformed"), id="json"
        ),
        pytest.param(
            {"data": b"[1]", "kind": "application/json"}, (400, "request:user:malformed"), id="list"
        ),
        pytest.param(
            {"data": b'{"url": "http://127.0.0.1/x.png"}', "kind": "application/json"},
            (422, "fetch:user:forbidden-address"),
            id="private-address",
        ),
        pytest.param(
            {"data": b'{"url": "ftp://example.org/x"}', "kind": "application/json"},
            (422, "fetch:user:not-http"),
            id="no-web-address",
        ),
    ],
)
def test_what_cannot_be_searched_with_is_a_problem(visitor, worker, sent, expected) -> None:
    kind = sent.get("kind", "image/png")

    response = visitor.post("/search", sent.get("data", b""), content_type=kind)

    assert code_of(response) == expected


def test_an_address_of_a_picture_is_fetched(visitor, catalogue, settings) -> None:
    settings.FETCH_ALLOWED_NETWORKS = (ip_network("127.0.0.0/8"),)
    answers = {"/a/red.png": body(encoded(RED)), "/page": body(b"<html>"), "/gone": raw(GONE)}

    with site(answers) as web:
        found = visitor.post(
            "/search?wait=hits", {"url": f"{web.url}/a/red.png"}, content_type="application/json"
        )
        in_a_form = visitor.post("/search", {"url": f"{web.url}/a/red.png"})
        page = visitor.post("/search", {"url": f"{web.url}/page"})
        gone = visitor.post("/search", {"url": f"{web.url}/gone"})

    assert titles(found) == titles(in_a_form) == ["red", "dark red", "green"]
    assert found.json()["copies"] == "pending"
    assert code_of(page) == (422, "image:user:not-a-picture")
    assert code_of(gone) == (422, "fetch:user:status")


def test_bad_parameters_are_told_where(visitor, worker) -> None:
    response = visitor.get("/search?image=x&box=1,2&wait=ever")

    assert code_of(response) == (422, "request:user:invalid")
    assert [each["at"] for each in response.json()["errors"]] == [
        ["query", "box"],
        ["query", "wait"],
        ["query", "image", 0],
    ]


def test_what_is_gone_or_never_was(visitor, worker) -> None:
    assert code_of(visitor.get(f"/search?image={uuid4()}")) == (404, "request:user:not-found")
    assert code_of(visitor.get(f"/search?query={uuid4()}")) == (410, "search:user:query-expired")


def test_too_large_a_picture_is_413_unread(visitor, worker, settings) -> None:
    settings.UPLOAD_MAX_BYTES = 1000

    raw = visitor.post("/search", b"x" * 1001, content_type="image/png")
    body = visitor.post("/search", b"x" * (1024 * 1024 + 1001), content_type="image/png")

    assert code_of(raw) == (413, "image:user:too-large")
    assert code_of(body) == (413, "request:user:too-large")


def test_a_worker_that_is_away_is_503_with_a_time(visitor, no_worker, version, settings) -> None:
    settings.SEARCH_TIMEOUT_S = 0.2

    response = visitor.post("/search", encoded(RED), content_type="image/png")

    assert code_of(response) == (503, "search:transient:no-answer")
    assert response["Retry-After"] == "5"


def test_an_error_of_the_models_keeps_its_code(visitor, version, worker) -> None:
    fake_worker.answer_with(version_id=version.pk, error="encoder:ours:failed")

    response = visitor.post("/search", encoded(RED), content_type="image/png")

    assert code_of(response) == (500, "encoder:ours:failed")


def test_private_images_are_found_by_their_group_alone(visitor, program, catalogue) -> None:
    album = Album.objects.create(name="secret")
    group = Group.objects.create(name="insiders")
    album.groups.add(group)
    album.images.add(catalogue["dark red"])
    insider = program()
    insider.user.groups.add(group)
    data = encoded(BLUE)

    seen = sorted(titles(insider.post("/search", data, content_type="image/png")))
    unseen = sorted(titles(visitor.post("/search", data, content_type="image/png")))

    assert seen == ["dark red", "green", "red"]
    assert unseen == ["green", "red"]


def test_a_program_that_posts_to_the_page_is_led_to_the_api(worker) -> None:
    client = Client(enforce_csrf_checks=True)

    response = client.post(
        "/", {"picture": upload(encoded(RED))}, headers={"accept": "application/json"}
    )

    assert code_of(response) == (403, "request:user:no-csrf-token")
    assert response.json()["see"] == "/api/v1/search"
    assert "/api/v1/search" in response.json()["detail"]
