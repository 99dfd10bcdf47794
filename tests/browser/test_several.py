"""A search with several pictures, and with words, in a real browser."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from catalog.models import EncoderVersion
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED, encoded

pytestmark = pytest.mark.django_db(transaction=True)

MAUVE = (130, 45, 125)  # half red, half blue
PHONE = {"viewport": {"width": 390, "height": 844}}


@pytest.fixture
def catalogue(searchable, worker) -> None:
    colours = {"red": RED, "dark red": DARK_RED, "green": GREEN, "blue": BLUE, "mauve": MAUVE}
    for title, colour in colours.items():
        searchable(encoded(colour, kind="JPEG"), title)


def pick(page: Page, *colours: tuple[int, int, int]) -> None:
    page.set_input_files(
        "input[name=picture]",
        [
            {"name": f"{number}.png", "mimeType": "image/png", "buffer": encoded(colour)}
            for number, colour in enumerate(colours)
        ],
    )
    without_scripts = page.get_by_role("button", name="Search", exact=True).first
    if without_scripts.is_visible():
        without_scripts.click()
    expect(page.locator(".asked li")).to_have_count(len(colours))


@pytest.mark.parametrize("has_scripts", [True, False])
def test_several_pictures_are_asked_refined_and_taken_away(open_page, catalogue, has_scripts):
    page = open_page(java_script_enabled=has_scripts)

    # when two pictures are picked at once
    pick(page, RED, BLUE)

    # then what is like both comes first, at an address of both
    expect(page.locator(".hits .name").first).to_have_text("mauve")
    assert len(parse_qs(urlsplit(page.url).query)["query"]) == 2
    expect(page.locator(".role").first).to_contain_text("like this")

    # when a hit is not meant
    page.get_by_role("link", name="Not like this: mauve").click()

    # then it is gone, and stands among what was asked
    expect(page.locator(".asked li")).to_have_count(3)
    expect(page.locator(".asked .unlike img")).to_have_attribute("alt", "mauve")
    expect(page.locator(".hits .name")).to_have_count(4)
    assert "mauve" not in page.locator(".hits").inner_text()

    # when more like another is wanted, and the first picture no longer
    page.get_by_role("link", name="More like this: green").click()
    expect(page.locator(".asked li")).to_have_count(4)
    page.get_by_role("link", name="Search without it: Picture 1").click()

    # then the rest is asked
    expect(page.locator(".asked li")).to_have_count(3)
    expect(page.locator(".hits .name").first).to_have_text("green")
    address = page.url
    page.go_back()
    expect(page.locator(".asked li")).to_have_count(4)
    page.goto(address)
    expect(page.locator(".hits .name").first).to_have_text("green")


def test_proofs_of_several_pictures_follow_their_hits(open_page, catalogue):
    page = open_page()

    pick(page, RED, BLUE)

    expect(page.locator("[data-answer]")).to_have_attribute("data-answer", "checked")
    expect(page.get_by_role("status").filter(has_text="compared")).to_be_visible()


def test_one_picture_is_refined_to_several_and_back_to_one(open_page, catalogue):
    page = open_page()
    page.set_input_files(
        "input[name=picture]",
        {"name": "mine.png", "mimeType": "image/png", "buffer": encoded(RED)},
    )
    page.get_by_role("link", name="Not like this: dark red").click()
    expect(page.locator(".asked li")).to_have_count(2)

    page.get_by_role("link", name="Search without it: dark red").click()

    expect(page.locator("svg.parts")).to_be_visible()
    assert set(parse_qs(urlsplit(page.url).query)) >= {"query"}


@pytest.mark.parametrize("has_scripts", [True, False])
def test_words_alone_and_beside_a_picture(open_page, catalogue, version, has_scripts):
    EncoderVersion.objects.filter(pk=version.pk).update(knows_words=True)
    page = open_page(java_script_enabled=has_scripts)

    page.get_by_role("searchbox").fill("зелёный")
    page.get_by_role("searchbox").press("Enter")

    expect(page.locator(".hits .name").first).to_have_text("green")
    expect(page.locator(".asked q")).to_have_text("зелёный")
    page.get_by_role("link", name="More like this: blue").click()
    expect(page.locator(".asked li")).to_have_count(2)
    page.get_by_role("link", name="Search without them").click()
    expect(page.locator(".hits .name").first).to_have_text("blue")


@pytest.mark.parametrize("locale", ["en-US", "ru-RU"])
def test_a_phone_scrolls_only_downwards(open_page, catalogue, version, locale):
    EncoderVersion.objects.filter(pk=version.pk).update(knows_words=True)
    page = open_page(locale=locale, **PHONE)
    page.set_input_files(
        "input[name=picture]",
        [
            {"name": f"{number}.png", "mimeType": "image/png", "buffer": encoded(colour)}
            for number, colour in enumerate((RED, BLUE, GREEN, DARK_RED))
        ],
    )
    expect(page.locator(".asked li")).to_have_count(4)
    page.goto(f"{page.url}&words={'x' * 60}")

    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")

    assert overflow == 0
