"""Searches with a picture that the site fetches by the address that somebody names."""

from contextlib import ExitStack
from html import unescape
from ipaddress import ip_network
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from catalog import storage
from kernel.errors import LimitReached
from kernel.messages import sentence
from search import query_files
from search.fetched_pictures import RecentFetches
from search.in_flight import search_slot
from tests.unit.ingestion.sites import body, endless, redirect, site, trickle
from tests.unit.web.conftest import RED, encoded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media", "worker")]
JSON = {"accept": "application/json"}


@pytest.fixture(scope="module")
def web():
    """A site with a picture, a page, and what an ill-meaning one sends."""
    answers = {
        "/holiday/red%20one.png": body(encoded(RED)),
        "/page.html": body(b"<!doctype html><title>no picture</title>"),
        "/gone": body(b"", "404 Not Found"),
        "/cut.png": body(encoded(RED)[:60]),
        "/inside": redirect("http://169.254.169.254/latest/meta-data/"),
        "/endless": endless(says_length=False),
        "/slow": trickle(b"HTTP/1.1 200 OK\r\n\r\n"),
        "/empty": body(b""),
    }
    with site(answers) as running:
        yield running


@pytest.fixture
def reachable(settings) -> None:
    settings.FETCH_ALLOWED_NETWORKS = (ip_network("127.0.0.1/32"),)


@pytest.fixture(autouse=True)
def often(settings) -> None:
    """Let the tests of one minute fetch as they like."""
    settings.SEARCH_FETCHES_PER_MINUTE = 10_000


def post(client, url: str, **headers: str):
    return client.post("/", {"url": url}, headers=headers)


def kept() -> list[str]:
    return list(storage.list_names(query_files.FOLDER))


def test_a_person_is_led_to_the_search_with_what_was_fetched(client, searchable, web, reachable):
    searchable(encoded(RED), "red")

    response = post(client, web.url + "/holiday/red%20one.png")

    assert response.status_code == 303
    [query] = kept()
    fields = parse_qs(urlsplit(response["Location"]).query)
    assert fields == {"query": [query.removeprefix("queries/")], "name": ["red one.png"]}
    page = client.get(response["Location"])
    assert [hit.title for hit in page.context["result"].groups[0].hits] == ["red"]
    assert "red one.png" in page.text


def test_a_program_is_answered_at_once(client, searchable, web, reachable):
    searchable(encoded(RED), "red")

    answer = post(client, web.url + "/holiday/red%20one.png", **JSON)

    assert answer.json()["groups"][0]["hits"][0]["verdict"] == "identical"


@pytest.mark.usefixtures("reachable")
@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/page.html", "image:user:not-a-picture"),
        ("/gone", "fetch:user:status"),
        ("/cut.png", "image:user:broken"),
        ("/inside", "fetch:user:forbidden-address"),
        ("/endless", "image:user:too-large"),
        ("/empty", "image:user:empty-file"),
    ],
)
def test_what_is_no_picture_is_said(client, web, settings, path, code):
    settings.UPLOAD_MAX_BYTES = 100_000

    page = post(client, web.url + path)
    answer = post(client, web.url + path, **JSON)

    assert (page.status_code, answer.json()["error"]["code"]) == (answer.status_code, code)
    assert 400 <= page.status_code < 500
    assert answer.json()["error"]["sentence"] in unescape(page.text)
    assert kept() == []


def test_a_site_that_takes_too_long_is_left(client, web, reachable, settings):
    settings.SEARCH_TIMEOUT_S = 0.5

    answer = post(client, web.url + "/slow", **JSON)

    assert answer.json()["error"]["code"] == "fetch:user:too-slow"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:9/a.png", "fetch:user:forbidden-address"),
        ("http://[::ffff:10.0.0.1]/a.png", "fetch:user:forbidden-address"),
        ("http://2130706433/a.png", "fetch:user:forbidden-address"),
        ("file:///etc/passwd", "fetch:user:not-http"),
        ("http://user:secret@127.0.0.1/", "fetch:user:not-http"),
        ("nonsense", "fetch:user:not-http"),
        ("http://a.example/" + "x" * 2_000, "fetch:user:not-http"),
    ],
)
def test_addresses_that_are_not_fetched(client, url, code):
    answer = post(client, url, **JSON)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert kept() == []


def test_no_link_has_the_site_fetch(client, web, reachable):
    response = client.get("/", {"url": web.url + "/holiday/red%20one.png"})

    assert (response.status_code, kept()) == (200, [])
    assert "result" not in response.context


def test_no_form_of_another_site_has_it_fetch(web, reachable):
    response = post(Client(enforce_csrf_checks=True), web.url + "/holiday/red%20one.png")

    assert (response.status_code, kept()) == (403, [])


def test_a_fetch_takes_no_slot_of_searches(client, web, reachable, settings):
    with ExitStack() as searches:
        for _ in range(settings.SEARCHES_IN_FLIGHT):
            searches.enter_context(search_slot())
        missing = post(client, web.url + "/gone", **JSON)

    assert missing.json()["error"]["code"] == "fetch:user:status"


def test_a_site_may_be_set_up_to_fetch_nothing(client, web, reachable, settings):
    settings.SEARCH_FETCHES_IN_FLIGHT = 0

    answer = post(client, web.url + "/holiday/red%20one.png", **JSON)

    assert answer.json()["error"]["code"] == "fetch:user:off"
    assert 'name="url"' not in client.get("/").text


def test_so_many_fetches_a_minute_and_of_one_site_fewer() -> None:
    recent = RecentFetches()
    for second, name in enumerate(("a", "a", "d", "e", "f", "g", "h", "i")):
        recent.add(f"{name}.example", now_s=100.0 + second, most=10)

    with pytest.raises(LimitReached) as of_site:
        recent.add("a.example", now_s=120.0, most=10)
    recent.add("b.example", now_s=130.0, most=10)
    recent.add("b.example", now_s=130.0, most=10)
    with pytest.raises(LimitReached) as of_all:
        recent.add("c.example", now_s=140.0, most=10)

    assert of_site.value.code == of_all.value.code == "fetch:transient:too-many"
    assert (of_site.value.retry_after_s, of_all.value.retry_after_s) == (40.0, 20.0)
    recent.add("a.example", now_s=160.0, most=10)
    assert sentence("fetch:transient:too-many").startswith("Too many pictures")
