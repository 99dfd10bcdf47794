"""Whole journeys of people who search: from the first page to what they came for.

What each step does in its details has tests of its own beside this file: drop, paste, keyboard and
a file that is none (`test_search_page`), collages, regions and facets (`test_result_page`),
several pictures and words (`test_several`), addresses (`test_addresses`).
"""

import io
import re
from ipaddress import ip_network
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image as Pillow
from playwright.sync_api import Page, expect

from catalog.models import Region
from kernel.regions import FoundRegion
from kernel.task_messages import Copy, QueryRegion
from ml.rules.layout import Layout
from tests.unit.ingestion.sites import body, site
from tests.unit.web import fake_worker
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED

pytestmark = pytest.mark.django_db(transaction=True)

WIDTH, HEIGHT = 600, 400
LEFT, RIGHT = (0, 0, 300, 400), (300, 0, 600, 400)
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def plain(
    colour: tuple[int, int, int], *, size: tuple[int, int] = (WIDTH, HEIGHT), kind: str = "PNG"
) -> bytes:
    """A picture of one colour with a white corner."""
    picture = Pillow.new("RGB", size, colour)
    picture.paste((255, 255, 255), (0, 0, size[0] // 4, size[1] // 4))
    return saved(picture, kind)


def half_size(colour: tuple[int, int, int]) -> bytes:
    """An image of the catalogue: the worker proves copies of what is as large as queries are."""
    return plain(colour, size=(WIDTH // 2, HEIGHT // 2), kind="JPEG")


def halves() -> bytes:
    picture = Pillow.new("RGB", (WIDTH, HEIGHT), RED)
    picture.paste(GREEN, RIGHT)
    return saved(picture, "PNG")


def saved(picture: Pillow.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def catalogue(searchable, worker, version) -> None:
    """Four images; the red one is a copy of what is asked with."""
    dog = FoundRegion("object", 0, 15, 20, 165, 120, "dog", 0.9)
    searchable(half_size(RED), "red", dog)
    for colour, title in ((DARK_RED, "dark red"), (GREEN, "green"), (BLUE, "blue")):
        searchable(half_size(colour), title)
    region = Region.objects.get(image__title="red", kind="whole")
    outline = ((0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT))
    copy = Copy(region.pk, True, False, 0, outline, None)
    fake_worker.answer_with(version_id=version.pk, copies={(0, 0, WIDTH, HEIGHT): [copy]})


def pick(page: Page, data: bytes) -> None:
    page.set_input_files(
        "input[name=picture]", {"name": "mine.png", "mimeType": "image/png", "buffer": data}
    )
    without_scripts = page.locator("form.finder .button")
    if without_scripts.is_visible():
        without_scripts.click()
    expect(page.locator(".hits .name").first).to_be_visible()


def overflow(page: Page) -> int:
    width: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return width


def test_without_scripts_a_copy_is_found_narrowed_refined_and_opened(open_page, catalogue):
    page = open_page(java_script_enabled=False)

    # A picture is sent: its copy is named at once, at an address that can be opened again.
    pick(page, plain(RED))
    hits = page.locator(".hits li")
    expect(hits.first).to_contain_text("red")
    expect(hits.first).to_contain_text("same picture")
    address = page.url
    assert "query" in parse_qs(urlsplit(address).query)

    # Only pictures with a dog.
    page.get_by_text("Filters", exact=True).click()
    page.locator("form.filters").get_by_role("checkbox", name=re.compile("^dog")).check()
    page.get_by_role("button", name="Apply").click()
    expect(hits).to_have_count(1)

    # Back, and not like the dark one.
    page.go_back()
    page.get_by_role("link", name="Not like this: dark red").click()
    expect(page.locator(".asked li")).to_have_count(2)
    expect(page.get_by_text("dark red", exact=True)).to_have_count(0)
    expect(hits.first).to_contain_text("same picture")

    # The image's own page, and from there a search with it.
    hits.first.get_by_role("link").first.click()
    expect(page.locator("h1")).to_have_text("red")
    assert page.goto(address).status == 200


def test_in_russian_on_a_phone_everything_fits_and_is_russian(open_page, catalogue):
    page = open_page(locale="ru-RU", **PHONE)
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    assert overflow(page) == 0

    pick(page, plain(RED))
    expect(page.locator("[data-answer]")).to_have_attribute("data-answer", "checked")
    assert overflow(page) == 0
    page.get_by_role("link", name="Не похожие на это: green").click()
    expect(page.locator(".asked li")).to_have_count(2)
    expect(page.locator("[data-answer]")).to_have_attribute("data-answer", "checked")
    assert overflow(page) == 0

    # Of Latin letters there are those of names and units alone.
    said = page.locator("main").inner_text()
    titles = {"red", "dark", "blue", "green", "mine.png", "px"}
    assert set(re.findall(r"[A-Za-z.]{2,}", said)) <= titles, said
    page.locator(".hits a.hit").first.tap()
    expect(page.locator("h1")).to_have_text("red")
    assert overflow(page) == 0


def test_a_collage_is_dropped_read_by_its_parts_and_searched_by_one(open_page, catalogue, version):
    fake_worker.answer_with(
        version_id=version.pk,
        layout=Layout.COLLAGE,
        regions=[QueryRegion("panel", 0, LEFT), QueryRegion("panel", 1, RIGHT)],
    )
    page = open_page()

    pick(page, halves())

    # Each picture in it has a group of its own, with what is like it first.
    groups = page.locator("section.found")
    expect(groups).to_have_count(3)
    expect(groups.nth(0).locator(".name").first).to_have_text(re.compile("red"))
    expect(groups.nth(1).locator(".name").first).to_have_text("green")
    groups.nth(1).get_by_role("link", name="Search with this part alone").first.click()
    expect(groups).to_have_count(1)
    expect(groups.locator(".name").first).to_have_text("green")
    assert parse_qs(urlsplit(page.url).query)["box"] == ["300,0,600,400"]


def test_a_picture_is_fetched_from_its_address(open_page, catalogue, settings):
    settings.FETCH_ALLOWED_NETWORKS = (ip_network("127.0.0.0/8"),)
    answers = {"/mine.png": body(plain(RED)), "/page.html": body(b"<!doctype html><p>no picture")}
    with site(answers) as running:
        page = open_page()

        # An address that is no picture says so, and the form takes the next one.
        page.get_by_label("Address of a picture").fill(f"{running.url}/page.html")
        page.get_by_role("button", name="Fetch it").click()
        expect(page.get_by_role("alert")).to_have_text("The file is not a picture.")
        page.get_by_label("Address of a picture").fill(f"{running.url}/mine.png")
        page.get_by_role("button", name="Fetch it").click()

        expect(page.locator(".hits li").first).to_contain_text("same picture")
    # What was fetched is kept as an upload is: the address asks no other site again.
    assert "query" in parse_qs(urlsplit(page.url).query)
    page.reload()
    expect(page.locator(".hits .name").first).to_have_text("red")


def test_a_photo_taken_with_a_phone_is_searched_with_at_once(open_page, catalogue):
    page = open_page(**PHONE)
    camera = page.locator("input[capture=environment]")
    expect(camera).to_have_attribute("accept", "image/*")

    camera.set_input_files({"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": plain(RED)})

    expect(page.locator(".hits li").first).to_contain_text("same picture")
    assert overflow(page) == 0


@pytest.mark.parametrize("has_scripts", [True, False])
def test_results_are_narrowed_down_sorted_and_widened_again(open_page, catalogue, has_scripts):
    page = open_page(java_script_enabled=has_scripts)
    pick(page, plain(RED))
    hits = page.locator(".hits .name")
    expect(hits).to_have_count(4)

    # Only pictures with a dog.
    page.get_by_text("Filters", exact=True).click()
    page.locator("form.filters").get_by_role("checkbox", name=re.compile("^dog")).check()
    page.get_by_role("button", name="Apply").click()
    expect(hits).to_have_text(["red"])
    assert parse_qs(urlsplit(page.url).query)["label"] == ["dog"]

    # The address keeps it, and the chip takes it off.
    page.reload()
    expect(hits).to_have_text(["red"])
    page.locator("form.filters a.chip").click()
    expect(hits).to_have_count(4)

    # The newest first: blue came last.
    page.get_by_label("Sort").select_option("newest")
    if not has_scripts:
        page.get_by_role("button", name="Sort").click()
    expect(hits.first).to_have_text("blue")
    assert parse_qs(urlsplit(page.url).query)["sort"] == ["newest"]
