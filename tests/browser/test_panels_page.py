"""Panels are drawn, moved and taken away on the picture, by pointer and by keys."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from catalog.models import Image
from kernel.regions import FoundRegion
from tests.pictures import RED, plain

pytestmark = pytest.mark.django_db(transaction=True)

WIDTH, HEIGHT = 300, 200


@pytest.fixture
def image(searchable) -> Image:
    """A picture in which the left half was found."""
    data = plain(RED, (WIDTH, HEIGHT))
    return searchable(data, "red", FoundRegion("panel", 0, 0, 0, 150, 200))


@pytest.fixture
def page(open_page, live_server, image) -> Page:
    """Its panels, before a keeper."""
    User.objects.create_superuser("keeper", password="secret")
    page = open_page(f"/login/?next=/admin/catalog/image/{image.pk}/panels/")
    page.fill("[name=username]", "keeper")
    page.fill("[name=password]", "secret")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("[data-box]")).to_have_count(1)
    return page


def drag(page: Page, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Move the pointer with its button down, between two points of the picture."""
    picture = page.locator("form[data-panels] svg")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box is not None
    scale = box["width"] / WIDTH
    for step, (x, y) in enumerate([start, end]):
        page.mouse.move(box["x"] + x * scale, box["y"] + y * scale, steps=4)
        page.mouse.up() if step else page.mouse.down()


def saved(page: Page, image: Image, button: str = "Save") -> object:
    page.get_by_role("button", name=button, exact=True).click()
    expect(page).to_have_url(
        f"{page.url.split('/admin')[0]}/admin/catalog/image/{image.pk}/change/"
    )
    image.refresh_from_db()
    return image.drawn_panels


def test_a_panel_is_drawn_beside_the_one_that_was_found(page, image):
    drag(page, (170, 20), (290, 180))

    expect(page.locator("[data-box]")).to_have_count(2)
    [found, drawn] = saved(page, image)
    assert found == [0, 0, 150, 200]
    assert drawn == pytest.approx([170, 20, 290, 180], abs=1)


def test_a_panel_is_moved_and_stays_inside(page, image):
    drag(page, (75, 100), (275, 190))

    assert saved(page, image) == [[150, 0, 300, 200]]


def test_a_panel_is_resized_by_its_corner(page, image):
    drag(page, (147, 196), (100, 150))

    assert saved(page, image) == [pytest.approx([0, 0, 100, 150], abs=1)]


def test_keys_move_and_take_away(page, image):
    drag(page, (170, 20), (290, 180))
    page.locator("[data-box]").first.focus()
    page.keyboard.press("Delete")
    expect(page.locator("[data-box]")).to_have_count(1)
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("ArrowDown")

    assert saved(page, image) == [pytest.approx([160, 21, 280, 181], abs=1)]


def test_numbers_and_drawing_are_one(page, image):
    page.get_by_label("left").nth(0).fill("50")

    expect(page.locator("[data-box] rect")).to_have_attribute("x", "50")
    assert saved(page, image) == [[50, 0, 150, 200]]


def test_a_click_draws_nothing_and_a_single_picture_is_said_so(page, image):
    drag(page, (250, 100), (252, 102))

    expect(page.locator("[data-box]")).to_have_count(1)
    assert saved(page, image, "This is a single picture") == []
