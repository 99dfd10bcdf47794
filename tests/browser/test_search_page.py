"""Finding pictures in a real browser: every way in, every kind of reader."""

import base64

import pytest
from playwright.sync_api import Page, expect

from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED, encoded
from tests.unit.web.fake_worker import embed

pytestmark = pytest.mark.django_db(transaction=True)

QUERY = encoded(RED)
FILE = {"name": "query.png", "mimeType": "image/png", "buffer": QUERY}
# One event of the page with a file in it, as the system's file manager or clipboard would make.
SEND_FILE = """([kind, encoded, name]) => {
  const bytes = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
  const transfer = new DataTransfer();
  if (name) transfer.items.add(new File([bytes], name, {type: "image/png"}));
  const event = kind === "drop"
    ? new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true})
    : new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true});
  document.body.dispatchEvent(event);
}"""


@pytest.fixture
def catalogue(searchable, worker) -> None:
    for name, colour in {
        "red": RED,
        "dark red": DARK_RED,
        "green": GREEN,
        "a rather long title of blue": BLUE,
    }.items():
        searchable(encoded(colour), name)


SCORES = [float(embed(QUERY) @ embed(encoded(colour))) for colour in (DARK_RED, GREEN, BLUE)]


def send(page: Page, kind: str, name: str = "query.png") -> None:
    page.evaluate(SEND_FILE, [kind, base64.b64encode(QUERY).decode(), name])


def expect_hits(page: Page) -> None:
    titles = page.locator(".hit .name")
    expect(titles).to_have_text(["red", "dark red", "green", "a rather long title of blue"])
    expect(page.locator(".hit").first).to_contain_text("identical file")
    # What is proved needs no score; the others' are the cosines.
    expect(page.locator(".hit .score")).to_have_text(
        [f"Similarity {score:.2f}" for score in SCORES]
    )


def test_pick(open_page, catalogue):
    page = open_page()

    page.set_input_files("input[name=picture]", FILE)

    expect_hits(page)
    query = page.locator(".query image").get_attribute("href")
    assert page.request.get(query).headers["content-type"] == "image/jpeg"
    assert page.locator(".hit img").first.evaluate(
        "img => img.decode().then(() => img.naturalWidth)"
    )
    page.locator(".hit").first.click()
    expect(page.get_by_role("heading", name="red")).to_be_visible()


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_drop_and_paste_anywhere(open_page, catalogue, kind):
    page = open_page()

    send(page, kind)

    expect_hits(page)


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_drop_or_paste_without_a_picture_says_so(open_page, db, kind):
    page = open_page()

    send(page, kind, name="")

    expect(page.get_by_role("status")).to_have_text(
        "There is no picture in what you dropped or pasted."
    )


def test_search_again_from_the_results(open_page, catalogue):
    page = open_page()
    send(page, "drop")
    expect_hits(page)

    send(page, "paste")

    expect_hits(page)


def test_without_scripts(open_page, catalogue):
    page = open_page(java_script_enabled=False)

    page.set_input_files("input[name=picture]", FILE)
    page.get_by_role("button", name="Search", exact=True).click()

    expect_hits(page)


def test_keyboard_alone(open_page, catalogue):
    page = open_page()
    # Heard from now on: Playwright tells the browser to hand choosers over, which takes a moment.
    page.on("filechooser", lambda _: None)

    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "picture":
            break
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(FILE)

    expect_hits(page)


def test_file_that_is_no_picture_is_answered_beside_the_form(open_page, db):
    page = open_page()

    page.set_input_files(
        "input[name=picture]", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"}
    )

    expect(page.get_by_role("alert")).to_have_text("The file is not a picture.")
    expect(page.get_by_text("Choose a picture")).to_be_visible()


def test_without_a_worker_the_page_says_so(open_page, version, no_worker, settings):
    settings.SEARCH_TIMEOUT_S = 0.2
    page = open_page()

    page.set_input_files("input[name=picture]", FILE)

    expect(page.get_by_role("alert")).to_contain_text("its worker is down or busy")


def test_dark_colours_follow_the_system(open_page, db):
    def paper(scheme: str) -> str:
        page = open_page(color_scheme=scheme)
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert paper("light") == "rgb(246, 246, 244)"
    assert paper("dark") == "rgb(18, 19, 22)"


@pytest.mark.parametrize("locale", ["en-US", "ru-RU"])
def test_phone_scrolls_only_downwards(open_page, catalogue, locale):
    page = open_page(locale=locale, viewport={"width": 320, "height": 640})
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) == 0

    page.set_input_files("input[name=picture]", FILE)

    expect(page.locator(".hit")).to_have_count(4)
    assert page.evaluate(overflow) == 0
    page.locator(".hit").last.click()
    expect(page.locator(".about h1")).to_be_visible()
    assert page.evaluate(overflow) == 0


def test_language_switch(open_page, db):
    page = open_page()

    page.get_by_role("button", name="Русский").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Найдите похожие изображения")
