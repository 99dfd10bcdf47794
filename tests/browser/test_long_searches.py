"""A search that takes its time: it says so, can be given up, and leaves the form usable."""

import pytest
from playwright.sync_api import Page, expect

from kernel.regions import FoundRegion
from tests.unit.web.conftest import GREEN, RED, encoded

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]

DOING = "Searching: your picture is described"


@pytest.fixture
def catalogue(searchable, worker) -> None:
    dog = FoundRegion("object", 0, 5, 5, 40, 30, "dog", 0.9)
    searchable(encoded(RED), "red", dog)
    searchable(encoded(GREEN), "green")


def choose(page: Page, data: bytes) -> None:
    page.set_input_files(
        "input[name=picture]", {"name": "mine.png", "mimeType": "image/png", "buffer": data}
    )


def hold(page: Page) -> None:
    """Searches are not answered before `release`."""
    page.route(
        "**/?*", lambda route: None if route.request.is_navigation_request() else route.continue_()
    )
    page.route("**/", lambda route: None if route.request.method == "POST" else route.continue_())


def release(page: Page) -> None:
    page.unroute("**/?*")
    page.unroute("**/")


def give_up(page: Page, how: str) -> None:
    if how == "button":
        page.get_by_role("button", name="Cancel").click()
    elif how == "Escape":
        page.keyboard.press("Escape")
    else:  # as the browser's own button does
        page.context.new_cdp_session(page).send("Page.stopLoading")


@pytest.mark.parametrize("how", ["button", "Escape", "browser"])
def test_a_search_that_is_given_up_leaves_the_form_usable(open_page, catalogue, how):
    page = open_page()
    hold(page)
    choose(page, encoded(RED))
    expect(page.get_by_role("status").filter(has_text=DOING)).to_be_visible()
    expect(page.locator("[data-elapsed]")).to_have_text("1 s")

    give_up(page, how)

    expect(page.locator("[data-progress]")).to_be_hidden()
    expect(page.locator("form.finder")).not_to_have_class("finder busy")
    release(page)
    choose(page, encoded(RED))  # the same picture again
    expect(page.locator(".hit .name").first).to_have_text("red")
    expect(page.locator("[data-progress]")).to_be_hidden()


def test_a_part_that_is_searched_with_says_that_it_is_busy(open_page, catalogue):
    page = open_page()
    choose(page, encoded(RED))
    facet = page.get_by_role("navigation", name="Objects").get_by_role("link")
    expect(page.locator(".proving")).to_have_count(0)
    hold(page)

    facet.click(no_wait_after=True)

    expect(facet).to_have_attribute("aria-busy", "true")
    expect(page.get_by_role("status").filter(has_text=DOING)).to_be_visible()
    give_up(page, "Escape")
    expect(facet).not_to_have_attribute("aria-busy", "true")
    release(page)
    facet.click()
    expect(page.locator(".hit .name")).to_have_text(["red"])


def test_back_from_a_search_the_form_is_as_it_was(open_page, catalogue):
    page = open_page()
    choose(page, encoded(RED))
    expect(page.locator(".hit .name").first).to_have_text("red")

    page.go_back()

    expect(page.locator("[data-progress]")).to_be_hidden()
    choose(page, encoded(GREEN))
    expect(page.locator(".hit .name").first).to_have_text("green")
