"""Searches with words, alone and beside pictures; the fake worker knows the names of colours."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Group

from catalog.models import Album, EncoderVersion, Image
from kernel.messages import sentence
from search import query_files
from tests.unit.web import fake_worker
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED, encoded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media", "worker")]

JSON = {"headers": {"accept": "application/json"}}


@pytest.fixture
def catalogue(searchable, version: EncoderVersion) -> dict[str, Image]:
    """Four images, and an encoder that knows words."""
    EncoderVersion.objects.filter(pk=version.pk).update(knows_words=True)
    colours = {"red": RED, "dark red": DARK_RED, "green": GREEN, "blue": BLUE}
    return {
        title: searchable(encoded(colour, kind="JPEG"), title) for title, colour in colours.items()
    }


def ask(client, **fields: object) -> dict:
    response = client.get("/", fields, **JSON)
    assert response.status_code == 200, response.content
    return response.json()


def titles(answer: dict) -> list[str]:
    return [hit["title"] for hit in answer["hits"]]


def code(client, **fields: object) -> tuple[int, str]:
    response = client.get("/", fields, **JSON)
    return response.status_code, response.json()["error"]["code"]


@pytest.mark.parametrize(("words", "first"), [("red", "red"), ("зелёный", "green")])
def test_words_find_what_fits_them(client, catalogue, words, first):
    answer = ask(client, words=words)

    assert titles(answer)[0] == first
    assert sorted(titles(answer)) == sorted(catalogue)
    assert answer["words"] == words
    # Words have no copies, and nobody knows how likely they are right.
    assert {hit["verdict"] for hit in answer["hits"]} == {"similar"}
    assert {hit["probability"] for hit in answer["hits"]} == {None}
    assert {hit["copy"] for hit in answer["hits"]} == {None}
    assert answer["copies"] == "checked"


def test_words_and_a_picture_are_asked_together(client, catalogue):
    query = str(query_files.write(encoded(BLUE)))

    answer = ask(client, query=query, words="зелёный")

    assert set(titles(answer)[:2]) == {"green", "blue"}
    assert {hit["probability"] for hit in answer["hits"]} == {None}


def test_what_is_unlike_falls_in_words_too(client, catalogue):
    red = str(catalogue["red"].pk)

    answer = ask(client, words="red", unlike_image=red)

    assert "red" not in titles(answer)


def test_words_are_filtered_and_private_images_are_not_found(
    client, catalogue, add_image, searchable
):
    owned = encoded(BLUE, kind="WEBP")
    add_image(owned, "owned", owner="Ann")
    searchable(owned, "owned")
    album = Album.objects.create(name="private")
    album.groups.add(Group.objects.create(name="owners"))
    catalogue["red"].albums.add(album)

    assert titles(ask(client, words="red"))[0] == "dark red"
    assert "red" not in titles(ask(client, words="red"))
    assert titles(ask(client, words="red", owner="Ann")) == ["owned"]


def test_an_encoder_that_knows_no_words_says_so(client, catalogue):
    for knows_words in (False, None):
        EncoderVersion.objects.update(knows_words=knows_words)

        assert code(client, words="red") == (400, "search:user:no-words")
        page = client.get("/")
        assert 'name="words"' not in page.content.decode()


def test_a_worker_that_knows_no_words_says_so(client, catalogue, version):
    fake_worker.answer_with(version_id=version.pk, error="search:user:no-words")

    assert code(client, words="red") == (400, "search:user:no-words")


def test_an_encoder_that_was_changed_meanwhile_is_not_compared_with(client, catalogue, version):
    fake_worker.answer_with(version_id=version.pk + 1)

    assert code(client, words="red") == (503, "encoder:transient:changing")


def test_the_page_takes_words_where_they_are_known(client, catalogue):
    page = client.get("/").content.decode()
    assert 'name="words"' in page

    query = str(query_files.write(encoded(BLUE)))
    result = client.get("/", {"query": query, "name": "b.png"}).content.decode()
    form = result[result.index("words-form") :]
    assert f'name="query" value="{query}"' in form


def test_the_words_are_shown_and_can_be_taken_away(client, catalogue):
    query = str(query_files.write(encoded(BLUE)))

    page = client.get("/", {"query": query, "words": "red"})

    shown = page.context["several"]
    assert shown.words == "red"
    assert parse_qs(urlsplit(shown.without_words_url).query) == {"query": [query]}
    assert client.get("/", {"words": "red"}).context["several"].without_words_url == "/"


@pytest.mark.parametrize(
    "words",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "' OR 1=1 --"],
)
def test_hostile_words_are_text(client, catalogue, words):
    page = client.get("/", {"words": words})

    content = page.content.decode()
    assert page.status_code == 200
    assert words not in content or "<" not in words
    assert page.context["several"].words == words


@pytest.mark.parametrize(
    ("words", "asked"),
    [("  red \n\t car\x07 ", "red car"), ("кра\u0301сный", "кра\u0301сный"), ("e\u0301", "é"),
     ("👩\u200d🚀", "👩\u200d🚀"), ("x" * 200, "x" * 200)],
)  # fmt: skip
def test_words_are_one_line(client, catalogue, words, asked):
    assert ask(client, words=words)["words"] == asked


def test_too_many_characters_are_refused(client, catalogue):
    response = client.get("/", {"words": "x" * 201})

    assert response.status_code == 400
    assert sentence("search:user:long-words", most=200) in response.content.decode()


@pytest.mark.parametrize("words", [" ", "\x07", "\n"])
def test_words_that_show_nothing_are_none(client, catalogue, words):
    assert code(client, words=words) == (400, "search:user:none-liked")
