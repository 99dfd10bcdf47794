"""Asking with a picture's address, and with the camera of what is held in a hand."""

from ipaddress import ip_network

import pytest
from playwright.sync_api import expect

from tests.unit.ingestion.sites import body, site
from tests.unit.web.conftest import RED, encoded

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.mark.parametrize("has_scripts", [True, False])
def test_by_its_address(open_page, searchable, worker, settings, has_scripts):
    settings.FETCH_ALLOWED_NETWORKS = (ip_network("127.0.0.1/32"),)
    searchable(encoded(RED), "red")
    page = open_page(java_script_enabled=has_scripts)

    with site({"/a.png": body(encoded(RED)), "/page": body(b"<p>")}) as web:
        page.get_by_label("Address of a picture").fill(f"{web.url}/page")
        page.get_by_role("button", name="Fetch it").click()
        expect(page.get_by_role("alert")).to_be_visible()
        page.get_by_label("Address of a picture").fill(f"{web.url}/a.png")
        page.get_by_role("button", name="Fetch it").click()

        expect(page.locator(".hit .name")).to_have_text(["red"])
    assert "query=" in page.url


def test_by_the_camera(open_page, searchable, worker):
    searchable(encoded(RED), "red")
    page = open_page(**PHONE)
    expect(page.get_by_text("Take a photo")).to_be_visible()
    camera = page.locator("input[capture=environment]")

    camera.set_input_files({"name": "p.png", "mimeType": "image/png", "buffer": encoded(RED)})

    expect(page.locator(".hit .name")).to_have_text(["red"])
