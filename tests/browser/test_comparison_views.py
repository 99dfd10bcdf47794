"""The comparison in a real browser: its views, and the cells that are alike."""

import io

import pytest
from PIL import Image as Pillow
from playwright.sync_api import Page, expect

from catalog.models import Image
from kernel.task_messages import AlikeCells, CellGrid, ComparedRegions, Copy, Overlap
from tests.pictures import encoded
from tests.unit.web import fake_worker
from tests.unit.web.conftest import BLUE, RED

pytestmark = pytest.mark.django_db(transaction=True)
WIDTH, HEIGHT = 600, 400
ALL = (0, 0, WIDTH, HEIGHT)
CORNERS = ((0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT))
# The query's left cell is like the image's right one, and its right cell like nothing.
CELLS = AlikeCells(CellGrid(1, 2, ALL), CellGrid(1, 2, ALL), bytes([0, 255, 0, 0]))


def plain(colour: tuple[int, int, int]) -> bytes:
    return encoded(Pillow.new("RGB", (WIDTH, HEIGHT), colour))


@pytest.fixture
def image(searchable, worker) -> Image:
    return searchable(plain(BLUE), "blue")


@pytest.fixture
def copied(image, version) -> None:
    """Red queries are copies of the blue image."""
    overlap = Overlap(40, False, 100.0, 100.0)
    copy = Copy(image.regions.get().pk, False, False, None, CORNERS, overlap)
    compared = ComparedRegions(40, 8, CELLS, 1.0)
    fake_worker.answer_with(version_id=version.pk, copies={ALL: [copy]}, compared=compared)


def compare(page: Page) -> None:
    query = {"name": "red.png", "mimeType": "image/png", "buffer": plain(RED)}
    page.set_input_files("input[name=picture]", query)
    expect(page.locator(".hit").first).to_be_visible()
    expect(page.locator(".proving")).to_have_count(0)
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def seen(page: Page) -> tuple[int, int, int]:
    """The colour in the middle of the stage."""
    with Pillow.open(io.BytesIO(page.locator("[data-stage]").screenshot())) as picture:
        pixel: tuple[int, int, int] = picture.convert("RGB").getpixel(
            (picture.width // 2, picture.height // 2)
        )
    return pixel


def test_a_copy_is_looked_at_in_four_ways(open_page, copied):
    page = open_page()
    compare(page)

    page.get_by_role("button", name="Differences").click()
    differing = tuple(min(255, 3 * abs(r - b)) for r, b in zip(RED, BLUE, strict=True))
    assert seen(page) == pytest.approx(differing, abs=3)
    page.get_by_role("button", name="Blink").click()
    assert seen(page) == RED
    page.get_by_role("button", name="The other picture").click()
    assert seen(page) == BLUE
    expect(page.locator("[data-pause-button]")).to_be_hidden()  # nothing moves: it was asked for
    page.get_by_role("button", name="Side by side").click()
    expect(page.locator("[data-stage]")).to_be_hidden()
    expect(page.locator("[data-side=image] polygon")).to_have_attribute(
        "points", "0,0 600,0 600,400 0,400"
    )
    assert page.locator("[data-side=query] rect.met").get_attribute("width") == "600"


def test_pictures_take_turns_until_they_are_paused(open_page, copied):
    page = open_page(reduced_motion="no-preference")
    compare(page)
    page.get_by_role("button", name="Blink").click()

    expect(page.locator("[data-stage]")).to_have_class("stage away")
    expect(page.locator("[data-stage]")).to_have_class("stage")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Go on")).to_be_visible()


def test_alike_cells_are_coloured_and_pointed_at(open_page, copied):
    page = open_page()
    compare(page)

    page.get_by_role("button", name="Show what is alike where").click()

    said = "40 points of the two pictures agree. 50% of the cells of your picture have one"
    expect(page.locator("[data-more-said]")).to_contain_text(said)
    heat = {
        side: [
            each.get_attribute("fill-opacity")
            for each in page.locator(f"[data-side={side}] [data-heat] rect").all()
        ]
        for side in ("query", "image")
    }
    assert heat == {"query": ["0.800", "0.000"], "image": ["0.000", "0.800"]}
    # by keyboard: the query's right cell is like none of the image's
    page.locator("[data-side=query]").focus()
    page.keyboard.press("ArrowRight")
    cells = page.locator("[data-side=image] [data-heat] rect")
    expect(cells.nth(1)).to_have_attribute("fill-opacity", "0.000")
    page.keyboard.press("ArrowLeft")
    expect(cells.nth(1)).to_have_attribute("fill-opacity", "0.800")


def test_an_encoder_without_cells_is_said_to_have_none(open_page, image):
    page = open_page()
    compare(page)  # no copy: there is nothing to lay over

    expect(page.locator(".views")).to_be_hidden()
    page.get_by_role("button", name="Show what is alike where").click()

    expect(page.locator("[data-more-said]")).to_have_text(
        "5 points of the two pictures agree; 8 are needed at least. "
        "This encoder cannot tell what is alike where."
    )


def test_what_fails_is_a_sentence_and_may_be_tried_again(open_page, image, version):
    fake_worker.answer_with(version_id=version.pk, compared="search:user:no-region")
    page = open_page()
    compare(page)
    more = page.get_by_role("button", name="Show what is alike where")

    more.click()

    expect(page.locator("[data-more-said]")).to_have_text(
        "This image, or the part of it, is not there to compare with."
    )
    expect(more).to_be_enabled()


@pytest.mark.parametrize("locale", ["en-US", "ru-RU"])
def test_the_slider_has_room_on_a_phone(open_page, copied, locale):
    page = open_page(locale=locale, viewport={"width": 390, "height": 844})
    query = {"name": "red.png", "mimeType": "image/png", "buffer": plain(RED)}
    page.set_input_files("input[name=picture]", query)
    expect(page.locator("[data-proved]")).to_be_visible()
    page.locator("[data-comparison]").first.click()

    box = page.locator("[data-slider]").bounding_box()
    assert box["width"] > 280
