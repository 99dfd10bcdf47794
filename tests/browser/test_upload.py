"""Adding pictures in a real browser."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from tests.browser.test_search_page import FILE, send
from tests.unit.web.conftest import BLUE, GREEN, RED, encoded

pytestmark = pytest.mark.django_db(transaction=True)


def test_log_in_then_pick_and_drop(open_page, add_image):
    User.objects.create_superuser("chief", password="secret")
    add_image(encoded(BLUE), "sea")
    page = open_page("/upload/")
    page.get_by_label("Username").fill("chief")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    # Loaded, script and all: a drop before that is nobody's.
    page.wait_for_url(lambda url: "login" not in url)

    page.set_input_files(
        "input[name=files]",
        [
            FILE | {"name": "green.png", "buffer": encoded(GREEN)},
            FILE | {"name": "blue again.png", "buffer": encoded(BLUE)},
            {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"hello"},
        ],
    )
    send(page, "drop", "red.png")
    page.get_by_role("button", name="Upload").click()

    expect(page.locator(".files .name")).to_have_text(
        ["green.png", "blue again.png", "notes.txt", "red.png"]
    )
    expect(page.locator(".files .said")).to_have_text(
        ["added green", "already there sea", "The file is not a picture.", "added red"],
        use_inner_text=True,
    )
    page.get_by_role("link", name="sea", exact=True).click()
    expect(page.get_by_role("heading", name="sea")).to_be_visible()


def test_admin_works_under_the_browsers_eyes(open_page, add_image):
    add_image(encoded(RED), "red")
    User.objects.create_superuser("chief", password="secret")
    page = open_page("/login/?next=/admin/catalog/image/")
    page.get_by_label("Username").fill("chief")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("main").get_by_role("button", name="Log in").click()

    page.get_by_role("link", name="red", exact=True).click()

    expect(page.get_by_label("Title")).to_have_value("red")
