"""Addresses of searches in a real browser: reload, back, sharing and another language keep them."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from catalog import storage
from search import query_files
from tests.unit.web import fake_worker
from tests.unit.web.conftest import DARK_RED, GREEN, RED, encoded

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]

FOUND = ["red", "dark red", "green"]


@pytest.fixture
def catalogue(searchable, worker) -> None:
    for name, colour in {"red": RED, "dark red": DARK_RED, "green": GREEN}.items():
        searchable(encoded(colour, kind="JPEG"), name)


def ask(page: Page) -> None:
    data = encoded(RED)
    page.set_input_files(
        "input[name=picture]", {"name": "mine.png", "mimeType": "image/png", "buffer": data}
    )
    without_scripts = page.get_by_role("button", name="Search", exact=True)
    if without_scripts.is_visible():
        without_scripts.click()
    expect(titles(page)).to_have_text(FOUND)


def titles(page: Page):
    return page.locator(".hit .name")


@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_search_is_reloaded_left_gone_back_to_and_shared(open_page, catalogue, has_scripts):
    page = open_page(java_script_enabled=has_scripts)
    ask(page)
    address = page.url
    assert set(parse_qs(urlsplit(address).query)) - {"wait"} == {"query", "name"}

    page.reload()
    expect(titles(page)).to_have_text(FOUND)
    titles(page).first.click()
    expect(page.get_by_role("heading", name="red")).to_be_visible()
    page.go_back()
    expect(titles(page)).to_have_text(FOUND)
    other = open_page(address, java_script_enabled=has_scripts)
    expect(titles(other)).to_have_text(FOUND)
    assert page.url == address
    assert len(list(storage.list_names(query_files.FOLDER))) == 1
    assert len(fake_worker.extract_requests()) == 1


@pytest.mark.parametrize("has_scripts", [True, False])
def test_another_language_shows_the_same_search(open_page, catalogue, has_scripts):
    page = open_page(java_script_enabled=has_scripts)
    ask(page)
    address = page.url

    page.get_by_role("button", name="Русский").click()

    expect(page.locator("html")).to_have_attribute("lang", "ru")
    expect(titles(page)).to_have_text(FOUND)
    assert page.url == address


def test_a_picture_of_the_catalogue_has_an_address_of_its_own(open_page, catalogue):
    page = open_page()
    ask(page)
    titles(page).first.click()

    page.get_by_role("link", name="Search with this picture").click()

    expect(titles(page)).to_have_text(FOUND)
    assert set(parse_qs(urlsplit(page.url).query)) == {"image", "wait"}
    picture = page.locator("svg.parts image")
    assert page.request.get(picture.get_attribute("href")).status == 200
    expect(page.locator(".proving")).to_have_count(0)
    assert len(list(storage.list_names(query_files.FOLDER))) == 1  # the one that was sent


def test_an_address_that_is_over_says_what_to_do(open_page, catalogue):
    page = open_page()
    ask(page)
    for folder in (query_files.FOLDER, query_files.EXTRACTED):
        for name in list(storage.list_names(folder)):
            storage.delete(name)

    answer = page.reload()

    assert answer.status == 410
    expect(page.get_by_role("heading", name="This search is over")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("Choose the picture again.")
    ask(page)
