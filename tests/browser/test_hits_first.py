"""Hits first, proofs after, in a real browser: what is seen, heard and kept in its position."""

import io
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image as Pillow
from playwright.sync_api import Page, expect

from kernel.regions import FoundRegion
from kernel.task_messages import Copy, Overlap, QueryRegion
from ml.rules.layout import Layout
from tests.unit.web import fake_worker
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED

pytestmark = pytest.mark.django_db(transaction=True)

WIDTH, HEIGHT = 600, 400
LEFT, RIGHT, ALL = (0, 0, 300, 400), (300, 0, 600, 400), (0, 0, 600, 400)
DONE = "All pictures are compared with yours now; copies are marked."
COMPARING = "Still comparing these pictures with yours"


def plain(*colours: tuple[int, int, int]) -> bytes:
    """A picture of columns of these colours."""
    picture = Pillow.new("RGB", (WIDTH, HEIGHT))
    for number, colour in enumerate(colours):
        picture.paste(colour, (WIDTH * number // len(colours), 0, WIDTH, HEIGHT))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def copy_of(image) -> Copy:
    outline = ((0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT))
    overlap = Overlap(40, False, query_percent=90.0, image_percent=90.0)
    return Copy(image.regions.get(kind="whole").pk, False, False, 90, outline, overlap)


@pytest.fixture
def copies(searchable, version, worker) -> None:
    """Of a red query, which is alike to "dark red", "blue" is a copy."""
    dog = FoundRegion("object", 0, 30, 40, 330, 240, "dog", 0.9)
    searchable(plain(DARK_RED), "dark red", dog)
    searchable(plain(GREEN), "green")
    blue = searchable(plain(BLUE), "blue")
    fake_worker.answer_with(version_id=version.pk, copies={ALL: [copy_of(blue)]})


def ask(page: Page, data: bytes) -> None:
    page.set_input_files(
        "input[name=picture]", {"name": "mine.png", "mimeType": "image/png", "buffer": data}
    )


def titles(page: Page):
    return page.locator(".hit .name")


def test_hits_are_seen_before_the_proofs_which_then_take_their_places(open_page, copies):
    page = open_page()

    with fake_worker.held_proofs():
        ask(page, plain(RED))
        expect(titles(page)).to_have_text(["dark red", "green", "blue"])
        expect(page.get_by_role("status").filter(has_text=COMPARING)).to_be_visible()
        expect(page.locator(".hit .badge")).to_have_count(0)

    expect(titles(page)).to_have_text(["blue", "dark red", "green"])
    expect(page.locator(".hit .badge")).to_have_text("edited copy")
    expect(page.locator("[data-proving]")).to_have_text(DONE)
    expect(page.get_by_text(COMPARING)).to_have_count(0)
    page.get_by_role("link", name="Compare").first.click()
    expect(page.get_by_role("dialog", name="blue")).to_be_visible()
    assert len(fake_worker.extract_requests()) == 1


def test_without_scripts_the_page_waits_for_all(open_page, copies):
    page = open_page(java_script_enabled=False)

    ask(page, plain(RED))
    page.get_by_role("button", name="Search", exact=True).click()

    expect(titles(page)).to_have_text(["blue", "dark red", "green"])
    expect(page.locator(".hit .badge")).to_have_text("edited copy")
    expect(page.locator("[data-proving]")).to_have_count(0)


def test_an_address_of_hits_leads_to_the_proofs_without_scripts_too(open_page, copies):
    page = open_page()
    ask(page, plain(RED))
    expect(titles(page)).to_have_text(["blue", "dark red", "green"])
    query = page.locator("svg.parts").get_attribute("data-search")

    plain_page = open_page(f"{query}&wait=hits", java_script_enabled=False)
    expect(titles(plain_page)).to_have_text(["dark red", "green", "blue"])
    plain_page.get_by_role("link", name="Show the copies").click()

    expect(titles(plain_page)).to_have_text(["blue", "dark red", "green"])


def test_focus_and_scroll_stay_where_they_are(open_page, searchable, version, worker):
    # given a collage whose second group lies below the window
    reds = [searchable(plain((60 + 6 * shade, 30, 30)), f"red {shade}") for shade in range(12)]
    greens = [searchable(plain((30, 60 + 6 * shade, 60)), f"green {shade}") for shade in range(12)]
    fake_worker.answer_with(
        version_id=version.pk,
        layout=Layout.COLLAGE,
        regions=[QueryRegion("panel", 0, LEFT), QueryRegion("panel", 1, RIGHT)],
        copies={LEFT: [copy_of(reds[0])], RIGHT: [copy_of(greens[0])]},
    )
    page = open_page(viewport={"width": 700, "height": 500})

    with fake_worker.held_proofs():
        ask(page, plain(RED, GREEN))
        expect(page.locator("#panel-1 .hit")).to_have_count(24)
        page.locator("#panel-1 summary").click()
        hit = page.locator("#panel-1 .hit").nth(2)
        hit.focus()
        name = hit.locator(".name").inner_text()
        page.evaluate("document.querySelector('#panel-1').scrollIntoView()")
        page.mouse.wheel(0, 60)
        page.wait_for_function("document.querySelector('#panel-1').getBoundingClientRect().top < 0")
        before = page.evaluate("document.querySelector('#panel-1').getBoundingClientRect().top")

    expect(page.locator("#panel-1 .badge")).to_have_text(["edited copy"])
    expect(page.locator("#panel-1 .hit:focus .name")).to_have_text(name)
    after = page.evaluate("document.querySelector('#panel-1').getBoundingClientRect().top")
    assert after == pytest.approx(before, abs=1)
    expect(page.locator("#panel-1 details")).to_have_attribute("open", "")
    expect(page.locator("#panel-0 details")).not_to_have_attribute("open", "")


def test_proofs_that_fail_leave_the_hits_and_say_so(open_page, copies):
    page = open_page()
    page.route("**/*wait=proofs*", lambda route: route.abort())

    ask(page, plain(RED))

    expect(
        page.get_by_role("status").filter(has_text="Copies could not be checked")
    ).to_be_visible()
    expect(titles(page)).to_have_text(["dark red", "green", "blue"])
    page.unroute("**/*wait=proofs*")
    page.get_by_role("link", name="Check them again").click()
    expect(titles(page)).to_have_text(["blue", "dark red", "green"])


def test_a_check_that_took_too_long_leaves_the_hits_and_says_so(open_page, copies, version):
    fake_worker.answer_with(version_id=version.pk, copies_error="search:transient:no-answer")
    page = open_page()

    ask(page, plain(RED))

    expect(page.locator("[data-proving]")).to_have_text(
        "Copies could not be checked just now; pictures are in the order of their likeness. "
        "Check them again"
    )
    expect(page.locator(".answer .notice")).to_have_count(0)
    expect(titles(page)).to_have_text(["dark red", "green", "blue"])


def test_without_a_copy_it_says_that_there_is_none(open_page, copies, version):
    fake_worker.answer_with(version_id=version.pk)
    page = open_page()

    ask(page, plain(RED))

    expect(page.locator("[data-proving]")).to_have_text(
        "All pictures are compared with yours now; none of them is a copy."
    )


def test_where_time_sufficed_for_some_parts_alone_it_says_so(open_page, copies, version):
    fake_worker.answer_with(
        version_id=version.pk,
        layout=Layout.COLLAGE,
        regions=[QueryRegion("panel", 0, LEFT), QueryRegion("panel", 1, RIGHT)],
        unchecked=[RIGHT],
    )
    page = open_page()

    ask(page, plain(RED, GREEN))

    expect(page.locator("[data-proving]")).to_have_text(
        "The time did not suffice to compare all pictures with yours."
    )
    expect(page.locator("#panel-1 .notice")).to_contain_text("The time did not suffice")
    expect(page.locator("#panel-0 .notice")).to_have_count(0)


def test_filters_of_the_answer_ask_for_hits_first(open_page, copies):
    page = open_page()
    ask(page, plain(RED))
    expect(titles(page)).to_have_text(["blue", "dark red", "green"])

    with fake_worker.held_proofs():
        page.get_by_text("Filters", exact=True).click()
        page.get_by_role("checkbox", name="dog 1").check()
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_text(COMPARING)).to_be_visible()
        fields = parse_qs(urlsplit(page.url).query)
        assert (fields["label"], fields["wait"]) == (["dog"], ["hits"])

    expect(page.get_by_text(COMPARING)).to_have_count(0)
    expect(titles(page)).to_have_text(["dark red"])


@pytest.mark.parametrize(
    ("locale", "says"),
    [("en-US", COMPARING), ("ru-RU", "Изображения ещё сравниваются с вашим")],
)
def test_a_phone_scrolls_only_downwards_while_it_compares(open_page, copies, locale, says):
    page = open_page(locale=locale, viewport={"width": 320, "height": 640})

    with fake_worker.held_proofs():
        ask(page, plain(RED))
        expect(page.get_by_text(says)).to_be_visible()
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(overflow) == 0
