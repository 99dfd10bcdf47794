"""A search is saved, watched, and tells of a new copy: as a person goes through it."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from catalog.models import Image
from search.models import SavedPicture
from tests.unit.web.conftest import DARK_RED, GREEN, RED, encoded
from watches.models import Watch, WatchHit

pytestmark = pytest.mark.django_db(transaction=True)

FILE = {"name": "cup.png", "mimeType": "image/png", "buffer": encoded(RED)}


@pytest.fixture
def person(db) -> User:
    return User.objects.create_user("somebody", password="secret")


@pytest.fixture
def catalogue(searchable, worker) -> Image:
    searchable(encoded(GREEN), "green")
    return searchable(encoded(DARK_RED), "dark red")


def log_in(page: Page) -> None:
    page.locator("[name=username]").fill("somebody")
    page.locator("[name=password]").fill("secret")
    page.locator("[name=password]").press("Enter")
    page.wait_for_url(lambda url: "login" not in url)
    page.wait_for_load_state()


def is_wider_than_screen(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")


@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desktop"])
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_saved_search_and_watch(open_page, catalogue, person, width, scripts):
    # given a person who searches with a picture of their own
    page = open_page(
        "/login/", viewport={"width": width, "height": 900}, java_script_enabled=scripts
    )
    log_in(page)
    page.set_input_files("input[name=picture]", FILE)
    if not scripts:
        page.locator(".finder .button").click()
    expect(page.locator(".hit").first).to_be_visible(timeout=20_000)

    # when they save the search
    page.get_by_text("Save this search").click()
    page.get_by_label("Name").fill("My cup")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as “My cup”.")).to_be_visible()
    expect(page.locator(".hit").first).to_be_visible()

    # and watch it from their list
    page.get_by_role("link", name="Saved searches").first.click()
    expect(page.get_by_role("heading", name="My cup")).to_be_visible()
    assert not is_wider_than_screen(page)
    page.locator(".does a", has_text="Watch").click()
    page.get_by_label("the same picture, saved again or resized").check()
    page.get_by_role("button", name="Watch").click()
    expect(page.get_by_text("Nothing new so far.")).to_be_visible()
    assert Watch.objects.get().rung == "near-identical"

    # then a copy that a worker finds is counted, and shown beside what it copies
    WatchHit.objects.create(
        watch=Watch.objects.get(),
        image=catalogue,
        saved_picture=SavedPicture.objects.get(),
        rung="near-identical",
    )
    page.get_by_role("link", name="Watches").first.click()
    expect(page.locator("[data-unseen]")).to_have_text("1 new")
    expect(page.locator(".pairs h3")).to_have_text(["dark red"])
    assert page.locator(".pair img").count() == 2
    assert not is_wider_than_screen(page)
    page.get_by_role("button", name="Mark these as seen").click()
    expect(page.locator("[data-unseen]")).to_have_count(0)
    expect(page.locator(".pairs h3")).to_have_text(["dark red"])

    # and it can be compared
    page.locator(".pairs a", has_text="Compare").click()
    expect(page.get_by_text("Saved as “My cup”.")).to_be_visible()


def test_a_saved_search_is_renamed_and_deleted(open_page, catalogue, person):
    page = open_page("/login/")
    log_in(page)
    page.set_input_files("input[name=picture]", FILE)
    expect(page.locator(".hit").first).to_be_visible(timeout=20_000)
    page.get_by_text("Save this search").click()
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto("/searches/")

    page.get_by_text("Rename: cup.png").click()
    page.get_by_label("Name").fill("Another name")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", name="Another name")).to_be_visible()
    page.locator("summary", has_text="Delete").click()
    page.get_by_role("button", name="Delete").click()

    expect(page.get_by_text("You have saved no search yet.")).to_be_visible()
