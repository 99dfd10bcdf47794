"""What a person sees first: the sentence, and the first hit without scrolling."""

import pytest
from playwright.sync_api import Page, expect

from catalog.models import EncoderVersion
from kernel.task_messages import Copy, Overlap
from tests.unit.web import fake_worker
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED, encoded
from tests.unit.web.test_headline import CALIBRATION

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]

SIZE = (600, 400)


@pytest.fixture
def copies(searchable, version, worker) -> None:
    EncoderVersion.objects.update(calibration=CALIBRATION)
    for name, colour in {"dark red": DARK_RED, "green": GREEN}.items():
        searchable(encoded(colour, size=SIZE), name)
    blue = searchable(encoded(BLUE, size=SIZE), "blue")
    outline = ((0, 0), (600, 0), (600, 400), (0, 400))
    overlap = Overlap(40, False, query_percent=90.0, image_percent=90.0)
    copy = Copy(blue.regions.get(kind="whole").pk, False, False, 90, outline, overlap)
    fake_worker.answer_with(version_id=version.pk, copies={(0, 0, *SIZE): [copy]})


def ask(page: Page) -> None:
    data = encoded(RED, size=SIZE)
    page.set_input_files(
        "input[name=picture]", {"name": "mine.png", "mimeType": "image/png", "buffer": data}
    )


def titles(page: Page):
    return page.locator(".hit .name").locator("visible=true")


def test_the_sentence_changes_once_copies_are_known(open_page, copies):
    page = open_page()

    with fake_worker.held_proofs():
        ask(page)
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_have_text(
            "1 picture of the same subject among 3 pictures; still looking for copies…"
        )
        expect(titles(page)).to_have_text(["dark red"])

    said = "1 edited copy and 1 picture of the same subject among 3 pictures"
    expect(heading).to_have_text(said)
    expect(page).to_have_title(f"{said} · Semblance")
    expect(titles(page)).to_have_text(["blue", "dark red"])
    page.get_by_text("1 less similar picture").click()
    expect(titles(page)).to_have_text(["blue", "dark red", "green"])


def test_what_somebody_unfolded_stays_so(open_page, copies):
    page = open_page()

    with fake_worker.held_proofs():
        ask(page)
        page.get_by_text("2 less similar pictures").click()
        expect(titles(page)).to_have_text(["dark red", "green", "blue"])

    expect(titles(page)).to_have_text(["blue", "dark red", "green"])


@pytest.mark.parametrize("locale", ["en-US", "ru-RU"])
@pytest.mark.parametrize(
    "viewport",
    [{"width": 1280, "height": 900}, {"width": 390, "height": 844}],
    ids=["desktop", "phone"],
)
@pytest.mark.parametrize("are_proved", [False, True], ids=["pending", "proved"])
def test_the_first_hit_is_seen_without_scrolling(open_page, copies, viewport, locale, are_proved):
    page = open_page(viewport=viewport, locale=locale)

    with fake_worker.held_proofs():
        ask(page)
        expect(page.locator(".proving")).to_be_visible()
        if not are_proved:
            assert_first_hit_is_seen(page, viewport["height"])
    if are_proved:
        expect(page.locator(".proving")).to_have_count(0)
        assert_first_hit_is_seen(page, viewport["height"])


def assert_first_hit_is_seen(page: Page, height: int) -> None:
    frame = page.locator(".hit .mat").first.bounding_box()
    assert page.evaluate("window.scrollY") == 0
    assert frame["y"] + 0.75 * frame["height"] <= height
