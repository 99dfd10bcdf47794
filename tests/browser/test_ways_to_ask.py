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


# One event of the page with a text in it, as a browser's address bar or another page would make.
SEND_TEXT = """([kind, text]) => {
  const transfer = new DataTransfer();
  transfer.setData("text/plain", text);
  const event = kind === "drop"
    ? new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true})
    : new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true});
  document.body.dispatchEvent(event);
}"""


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_by_an_address_that_is_pasted_or_dropped_anywhere(
    open_page, searchable, worker, settings, kind
):
    settings.FETCH_ALLOWED_NETWORKS = (ip_network("127.0.0.1/32"),)
    red = searchable(encoded(RED), "red")

    with site({"/a.png": body(encoded(RED))}) as web:
        for path in ("/", f"/?image={red.pk}"):  # where its field lies folded up, too
            page = open_page(path)
            page.evaluate(SEND_TEXT, [kind, f" {web.url}/a.png\n"])

            page.wait_for_url(lambda url: "query=" in url)
            expect(page.locator(".hit .name")).to_have_text(["red"])


@pytest.mark.parametrize(
    "text",
    ["a red picture", "javascript:alert(1)", "https://", "https://a b", "ftp://a.example/a.png"],
)
def test_a_pasted_text_that_is_no_address_asks_nothing(open_page, db, text):
    page = open_page()

    page.evaluate(SEND_TEXT, ["paste", text])

    expect(page.locator(".picker [role=status]")).to_have_text(
        "There is no picture in what you dropped or pasted."
    )
    expect(page.get_by_label("Address of a picture")).to_have_value("")
    assert page.url.endswith("/")


def test_a_text_that_is_pasted_into_a_field_stays_there(open_page, db):
    page = open_page()
    field = page.get_by_label("Address of a picture")

    field.focus()
    field.evaluate(
        """field => {
          const transfer = new DataTransfer();
          transfer.setData("text/plain", "https://a.example/");
          const event = new ClipboardEvent(
            "paste", {clipboardData: transfer, bubbles: true, cancelable: true});
          field.dataset.kept = field.dispatchEvent(event);
        }"""
    )

    expect(field).to_have_attribute("data-kept", "true")
    expect(page.locator(".picker [role=status]")).to_have_text("")


def test_where_no_address_is_fetched_a_pasted_one_asks_nothing(open_page, db, settings):
    settings.SEARCH_FETCHES_IN_FLIGHT = 0
    page = open_page()

    page.evaluate(SEND_TEXT, ["paste", "https://a.example/a.png"])

    expect(page.locator(".picker [role=status]")).to_contain_text("There is no picture")
