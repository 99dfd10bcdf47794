"""The answer in a real browser: the query's parts, a drawn box, facets and the comparison."""

import io
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image as Pillow
from playwright.sync_api import Locator, Page, expect

from catalog.models import Image
from kernel.regions import FoundRegion
from kernel.task_messages import Copy, Overlap, QueryRegion
from ml.rules.layout import Layout
from tests.pictures import encoded
from tests.unit.web import fake_worker
from tests.unit.web.conftest import BLUE, GREEN, RED

pytestmark = pytest.mark.django_db(transaction=True)

WIDTH, HEIGHT = 600, 400
LEFT, RIGHT = (0, 0, 300, 400), (300, 0, 600, 400)
# High enough that the picture fills its place and is not letterboxed.
DESKTOP = {"viewport": {"width": 1280, "height": 1000}}


def plain(colour: tuple[int, int, int]) -> bytes:
    return encoded(Pillow.new("RGB", (WIDTH, HEIGHT), colour))


def halves() -> bytes:
    picture = Pillow.new("RGB", (WIDTH, HEIGHT), RED)
    picture.paste(GREEN, RIGHT)
    return encoded(picture)


@pytest.fixture
def catalogue(searchable, worker) -> None:
    searchable(plain(RED), "red", FoundRegion("object", 0, 30, 40, 330, 240, "dog", 0.9))
    searchable(plain(GREEN), "green", FoundRegion("object", 0, 30, 40, 330, 240, "cat", 0.8))


@pytest.fixture
def collage(catalogue, version) -> None:
    """Queries are taken for a collage of two pictures, with a dog in the first."""
    fake_worker.answer_with(
        version_id=version.pk,
        layout=Layout.COLLAGE,
        regions=[
            QueryRegion("panel", 0, LEFT),
            QueryRegion("panel", 1, RIGHT),
            QueryRegion("object", 0, (60, 100, 200, 300), "dog", 0.874),
        ],
    )


def ask(page: Page, data: bytes) -> None:
    page.set_input_files(
        "input[name=picture]", {"name": "mine.png", "mimeType": "image/png", "buffer": data}
    )
    without_scripts = page.get_by_role("button", name="Search", exact=True)
    if without_scripts.is_visible():
        without_scripts.click()
    expect(page.locator("svg.parts")).to_be_visible()
    page.wait_for_load_state()  # with its scripts
    expect(page.locator(".proving")).to_have_count(0)  # which exchange the hits


def asked(page: Page) -> dict[str, list[str]]:
    """The address's query, without the id and whether hits come first."""
    fields = parse_qs(urlsplit(page.url).query)
    fields.pop("query", None)
    fields.pop("wait", None)
    return fields


def titles(page: Page):
    return page.locator(".hit .name")


def point(page: Page, x: float, y: float) -> tuple[int, int]:
    """Where a pixel of the query is on the screen, as whole numbers, as a mouse says them."""
    frame = page.locator("svg.parts").bounding_box()
    assert frame is not None
    scale = frame["width"] / WIDTH
    assert frame["height"] == pytest.approx(scale * HEIGHT, abs=0.5)
    return round(frame["x"] + scale * x), round(frame["y"] + scale * y)


def box(page: Page) -> list[int]:
    """The box of the address. A place on the screen is whole, so it may be a pixel or two off."""
    page.wait_for_url("**box=**")
    return [int(number) for number in asked(page)["box"][0].split(",")]


def drag(page: Page, start: tuple[int, int], end: tuple[int, int]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=4)


def test_collage_says_what_it_is_and_has_a_group_a_part(open_page, collage):
    page = open_page()

    ask(page, halves())

    expect(page.get_by_text("A collage of 2 pictures")).to_be_visible()
    expect(page.locator(".found h2")).to_have_text(["Picture 1", "Picture 2", "The whole picture"])
    expect(page.locator("#panel-0 .hit .name").first).to_have_text("red")
    expect(page.locator("#panel-1 .hit .name").first).to_have_text("green")
    # what has results below leads there, what has none is searched with, and looks otherwise
    searches, jumps = page.locator(".understood .chip.search"), page.locator(".chip.jump")
    expect(searches).to_have_text(["dog 87%"])
    expect(jumps).to_have_text(["↓ Picture 1", "↓ Picture 2", "↓ The whole picture"])
    expect(searches.locator(".icon")).to_have_count(1)
    jumps.nth(1).click()
    assert urlsplit(page.url).fragment == "panel-1"


@pytest.mark.parametrize("has_scripts", [True, False])
def test_part_of_the_picture_is_a_link_to_the_search_with_it(open_page, collage, has_scripts):
    page = open_page(java_script_enabled=has_scripts)
    ask(page, halves())

    page.locator(".parts").get_by_role("link", name="Picture 2").click()

    expect(page.locator(".parts [aria-current]")).to_have_attribute("aria-label", "Picture 2")
    assert asked(page) == {"name": ["mine.png"], "box": ["300,0,600,400"]}
    expect(titles(page).first).to_have_text("green")
    expect(page.locator(".found")).to_have_count(1)
    expect(page.locator(".understood .chip.search")).to_have_text(
        ["The whole picture", "Picture 1", "Picture 2", "dog 87%"]
    )
    expect(page.locator("[data-select]")).to_be_visible(visible=has_scripts)
    page.get_by_role("link", name="The whole picture").click()
    expect(page.locator(".found")).to_have_count(3)


def test_smaller_part_lies_over_the_larger_one(open_page, collage):
    page = open_page(**DESKTOP)
    ask(page, halves())

    page.mouse.click(*point(page, 130, 200))

    expect(page.locator(".parts [aria-current]")).to_have_attribute("aria-label", "dog, 87%")
    assert box(page) == [60, 100, 200, 300]


def test_drawn_box_is_searched_with(open_page, catalogue):
    page = open_page(**DESKTOP)
    ask(page, halves())
    expect(titles(page).first).to_have_text("red")

    # upwards and to the left
    drag(page, point(page, 590, 380), point(page, 320, 20))
    width = page.locator("[data-drawn]").get_attribute("width")
    page.mouse.up()

    assert box(page) == pytest.approx([320, 20, 590, 380], abs=1)
    assert int(width) == box(page)[2] - box(page)[0]
    assert asked(page)["name"] == ["mine.png"]
    expect(page.locator(".understood [aria-current]")).to_have_text("Chosen part")
    expect(titles(page).first).to_have_text("green")


def test_box_ends_at_the_edge_of_the_picture(open_page, catalogue):
    page = open_page(**DESKTOP)
    ask(page, halves())

    drag(page, point(page, 90, 50), point(page, 900, 500))
    page.mouse.up()

    assert box(page) == [pytest.approx(90, abs=1), pytest.approx(50, abs=1), 600, 400]


PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def swipe(page: Page, start: tuple[int, int], end: tuple[int, int]) -> None:
    devtools = page.context.new_cdp_session(page)
    steps = [
        (start[0] + (end[0] - start[0]) * n // 8, start[1] + (end[1] - start[1]) * n // 8)
        for n in range(9)
    ]
    for number, (x, y) in enumerate(steps):
        kind = "touchMove" if number else "touchStart"
        touch = {"type": kind, "touchPoints": [{"x": x, "y": y}]}
        devtools.send("Input.dispatchTouchEvent", touch)
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_swipe_over_the_picture_scrolls_the_page_and_searches_nothing(open_page, catalogue):
    page = open_page(**PHONE)
    ask(page, halves())
    before = page.url

    swipe(page, point(page, 300, 350), (point(page, 300, 350)[0], 10))

    page.wait_for_function("window.scrollY > 50")
    expect(page.locator("[data-drawn]")).to_be_hidden()
    assert page.url == before


def test_finger_draws_a_box_once_a_part_is_to_be_selected(open_page, catalogue):
    page = open_page(**PHONE)
    ask(page, halves())

    page.get_by_role("button", name="Select a part").tap()
    expect(page.get_by_role("status").filter(has_text="Drag over the picture")).to_be_visible()
    swipe(page, point(page, 60, 60), point(page, 240, 320))

    assert box(page) == pytest.approx([60, 60, 240, 320], abs=4)
    expect(titles(page).first).to_have_text("red")


def test_a_box_is_drawn_by_keyboard(open_page, catalogue):
    page = open_page(**DESKTOP)
    ask(page, halves())
    page.get_by_role("button", name="Select a part").press("Enter")
    picture = page.get_by_role("application", name="mine.png")
    expect(picture).to_be_focused()

    for key in ["ArrowRight"] * 12 + ["ArrowUp"] * 20 + ["Shift+ArrowDown"] * 3:
        page.keyboard.press(key)
    expect(
        page.get_by_role("status").filter(
            has_text="The part begins at 294, 0 and is 300 by 236 pixels."
        )
    ).to_be_visible()
    page.keyboard.press("Enter")

    assert box(page) == [294, 0, 594, 236]
    expect(titles(page).first).to_have_text("green")


def test_escape_leaves_the_drawing_by_keyboard(open_page, catalogue):
    page = open_page(**DESKTOP)
    ask(page, halves())
    before, button = page.url, page.get_by_role("button", name="Select a part")
    button.press("Enter")
    page.keyboard.press("ArrowLeft")

    page.keyboard.press("Escape")

    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(page.locator("[data-drawn]")).to_be_hidden()
    page.keyboard.press("Shift+Tab")  # the picture is no stop of the keyboard any more
    expect(page.locator("svg.parts")).not_to_be_focused()
    assert page.url == before


def test_escape_gives_the_box_up(open_page, collage):
    page = open_page(**DESKTOP)
    ask(page, halves())
    before = page.url
    drag(page, point(page, 40, 40), point(page, 250, 250))
    expect(page.locator("[data-drawn]")).to_be_visible()

    page.keyboard.press("Escape")
    page.mouse.up()

    expect(page.locator("[data-drawn]")).to_be_hidden()
    page.wait_for_timeout(300)  # a search that began would have left by now
    assert page.url == before


def test_click_that_trembles_is_a_click(open_page, collage):
    page = open_page(**DESKTOP)
    ask(page, halves())
    x, y = point(page, 450, 200)

    drag(page, (x, y), (x + 4, y + 3))
    page.mouse.up()

    assert box(page) == [300, 0, 600, 400]


def test_part_is_reached_by_keyboard_after_a_box_was_given_up(open_page, collage):
    page = open_page(**DESKTOP)
    ask(page, halves())
    drag(page, point(page, 40, 40), point(page, 250, 250))
    page.keyboard.press("Escape")
    page.mouse.up()

    page.locator(".parts").get_by_role("link", name="Picture 2").press("Enter")

    assert box(page) == [300, 0, 600, 400]


@pytest.mark.parametrize("locale", ["en-US", "ru-RU"])
def test_collage_on_a_phone_scrolls_only_downwards(open_page, collage, locale):
    page = open_page(locale=locale, viewport={"width": 320, "height": 640})

    ask(page, halves())

    expect(page.locator(".found")).to_have_count(3)
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") == 0


def test_filter_is_put_on_kept_and_taken_off(open_page, catalogue):
    page = open_page(**DESKTOP)
    ask(page, halves())
    page.get_by_text("Filters", exact=True).click()
    objects = page.get_by_role("group", name="Objects").get_by_role("checkbox")
    expect(objects).to_have_count(3)  # and whether unsure ones are left out

    page.get_by_role("checkbox", name="dog 1").check()
    page.get_by_role("button", name="Apply").click()

    expect(titles(page)).to_have_text(["red"])
    assert asked(page) == {"name": ["mine.png"], "label": ["dog"]}
    chip = page.get_by_role("list", name="Chosen filters").get_by_role("link")
    expect(chip).to_have_text("Objects: dog ×")
    page.locator("[data-panel] summary").click()
    expect(page.get_by_role("checkbox", name="dog 1")).to_be_checked()
    chip.click()
    expect(titles(page)).to_have_count(2)
    assert "label" not in asked(page)


def test_what_is_typed_is_completed_once_the_filters_are_open(open_page, catalogue):
    Image.objects.filter(title="green").update(owner="Ann")
    page = open_page(**DESKTOP)
    ask(page, halves())
    owner = page.get_by_role("combobox", name="Owner: another")
    album = page.get_by_role("combobox", name="Albums: another", include_hidden=True)
    expect(page.locator("option[value=Ann]")).to_have_count(0)

    page.get_by_text("Filters", exact=True).click()

    expect(page.locator("datalist#known-owner option[value=Ann]")).to_have_count(1)
    expect(album).to_be_hidden()  # there is none
    owner.fill("Ann")
    page.get_by_role("button", name="Apply").click()
    chosen = page.get_by_role("list", name="Chosen filters").get_by_role("link")
    expect(chosen).to_have_text("Owner: Ann ×")
    assert asked(page) == {"name": ["mine.png"], "owner": ["Ann"]}


def test_pictures_are_sorted_at_once(open_page, catalogue):
    page = open_page(**DESKTOP)
    ask(page, halves())
    before = titles(page).all_text_contents()

    page.get_by_label("Sort").select_option("Oldest first")

    page.wait_for_url("**sort=oldest**")
    assert asked(page) == {"name": ["mine.png"], "sort": ["oldest"]}
    expect(titles(page)).to_have_text(sorted(before, key=["red", "green"].index))


def test_filters_work_on_a_phone_without_scripts(open_page, catalogue):
    page = open_page(java_script_enabled=False, viewport={"width": 320, "height": 640})
    ask(page, halves())
    page.get_by_text("Filters", exact=True).click()
    page.get_by_role("checkbox", name="dog 1").check()
    page.get_by_label("at least").fill("1")

    page.get_by_role("button", name="Apply").click()

    expect(titles(page)).to_have_text(["red"])
    expect(page.get_by_role("list", name="Chosen filters").get_by_role("link")).to_have_text(
        ["Objects: dog ×", "From 1 pixels ×"]
    )


def test_object_that_matched_is_outlined_on_the_thumbnail(open_page, searchable, worker):
    # given a picture in which only the object is red
    picture = Pillow.new("RGB", (WIDTH, HEIGHT), BLUE)
    picture.paste(RED, (150, 100, 450, 300))
    searchable(encoded(picture), "framed", FoundRegion("object", 0, 150, 100, 450, 300, "box", 0.9))
    page = open_page()

    ask(page, plain(RED))

    mat = page.locator(".hit .mat").bounding_box()
    matched = page.locator(".hit .where rect").bounding_box()
    assert mat is not None
    assert matched is not None
    # the thumbnail is as wide as the square mat: 600 pixels
    scale = mat["width"] / WIDTH
    above = (mat["height"] - HEIGHT * scale) / 2
    assert [
        matched["x"] - mat["x"],
        matched["y"] - mat["y"],
        matched["width"],
        matched["height"],
    ] == pytest.approx([150 * scale, above + 100 * scale, 300 * scale, 200 * scale], abs=3)


def test_parts_on_the_page_of_an_image_are_searched_with(open_page, catalogue):
    page = open_page()
    ask(page, plain(RED))
    titles(page).first.click()

    parts = page.get_by_role("region", name="In this picture").get_by_role("link")
    expect(parts).to_have_text(["dog 90%"])
    parts.click()

    expect(titles(page).first).to_have_text("red")
    assert box(page) == [30, 40, 330, 240]


UPRIGHT = [(100, 50), (400, 50), (400, 250), (100, 250)]
MIRRORED = [(400, 50), (100, 50), (100, 250), (400, 250)]
TURNED = [(300, 30), (500, 200), (300, 370), (100, 200)]
LEANING = [(200, 60), (420, 90), (560, 360), (60, 300)]


@pytest.fixture
def copy(searchable, worker, version):
    """A blue image of which red queries are a copy, at the given corners."""
    image = searchable(plain(BLUE), "blue")

    def copy(outline, overlap) -> None:
        found = Copy(
            region_id=image.regions.get().pk,
            is_near_identical=overlap is None,
            is_shared_design=False,
            bits=4 if overlap is None else None,
            outline=tuple(outline),
            overlap=overlap,
        )
        fake_worker.answer_with(version_id=version.pk, copies={(0, 0, WIDTH, HEIGHT): [found]})

    return copy


def overlap(*, is_mirrored: bool = False) -> Overlap:
    return Overlap(inliers=40, is_mirrored=is_mirrored, query_percent=84.6, image_percent=25.0)


def colours(page: Page, *places: tuple[int, int]) -> list[str]:
    """What is seen in the comparison at these pixels of the image."""
    names = {RED: "red", BLUE: "blue", GREEN: "green"}
    with Pillow.open(io.BytesIO(page.locator("[data-stage]").screenshot())) as picture:
        scale = picture.width / WIDTH
        seen = [picture.getpixel((round(x * scale), round(y * scale)))[:3] for x, y in places]
    return [names.get(colour, str(colour)) for colour in seen]


def compare(page: Page) -> None:
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.locator("[data-image]")).to_have_js_property("complete", value=True)


def test_comparison_opens_wipes_and_closes(open_page, copy):
    copy(UPRIGHT, overlap())
    page = open_page()
    ask(page, plain(RED))
    expect(page.locator(".hit .badge")).to_have_text("edited copy")
    expect(page.locator(".hit meter")).to_have_count(0)

    compare(page)

    dialog = page.get_by_role("dialog", name="blue")
    expect(dialog).to_contain_text("The image shows 85% of your picture.")
    link = dialog.get_by_role("link", name="Open the image")
    assert link.get_attribute("href") == page.locator(".hit").get_attribute("href")
    slider = page.get_by_role("slider")
    expect(slider).to_be_focused()
    left, right, outside = (150, 150), (350, 150), (50, 20)
    assert colours(page, left, right, outside) == ["red", "blue", "blue"]
    page.keyboard.press("End")
    assert colours(page, left, right, outside) == ["red", "red", "blue"]
    page.keyboard.press("Home")
    assert colours(page, left, right, outside) == ["blue", "blue", "blue"]
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("link", name="Compare")).to_be_focused()


@pytest.mark.parametrize(
    ("outline", "is_mirrored"),
    [(UPRIGHT, False), (MIRRORED, True), (TURNED, False), (LEANING, False)],
    ids=["upright", "mirrored", "turned", "perspective"],
)
def test_query_is_laid_corner_on_corner(open_page, copy, outline, is_mirrored):
    copy(outline, overlap(is_mirrored=is_mirrored))
    page = open_page()
    ask(page, plain(RED))

    compare(page)

    laid = page.evaluate(
        """() => {
          const laid = document.querySelector("[data-laid]");
          const {clientWidth: w, clientHeight: h} = laid.parentElement;
          const matrix = new DOMMatrix(getComputedStyle(laid).transform);
          return [[0, 0], [w, 0], [w, h], [0, h]].map(([x, y]) => {
            const at = matrix.transformPoint({x, y});
            return [at.x / at.w * 600 / w, at.y / at.w * 400 / h];
          });
        }"""
    )
    assert [number for corner in laid for number in corner] == pytest.approx(
        [number for corner in outline for number in corner], abs=0.1
    )
    said = "The image shows 85% of your picture" + ("; it is mirrored." if is_mirrored else ".")
    expect(page.locator("[data-said]")).to_have_text(said)


def test_nearly_identical_pictures_are_said_to_be_the_same(open_page, copy):
    copy([(0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)], None)
    page = open_page()
    ask(page, plain(RED))

    compare(page)

    expect(page.locator("[data-said]")).to_have_text(
        "The two pictures are the same but for small changes."
    )
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_corners_that_are_no_quadrilateral_lay_nothing_over(open_page, copy):
    copy([(100, 100)] * 4, overlap())
    page = open_page()
    ask(page, plain(RED))

    compare(page)
    page.keyboard.press("End")

    assert colours(page, (150, 150), (350, 150)) == ["blue", "blue"]


def test_without_scripts_a_page_compares_both_pictures(open_page, copy):
    copy(UPRIGHT, overlap())
    page = open_page(java_script_enabled=False)
    ask(page, plain(RED))
    answer = page.url

    page.get_by_role("link", name="Compare").click()

    expect(page.get_by_role("heading", name="blue")).to_be_visible()
    expect(page.get_by_text("A copy, but more differs than saving again changes.")).to_be_visible()
    expect(page.get_by_text("The image shows 85% of your picture.")).to_be_visible()
    query, image = page.get_by_role("img").all()
    assert in_the_middle_of(query) == RED
    assert in_the_middle_of(image) == BLUE
    points = ",".join(f"{each:.1f}" for corner in UPRIGHT for each in corner).split(",")
    corners = image.locator("polygon").get_attribute("points")
    assert corners.replace(" ", ",").split(",") == points
    page.get_by_role("link", name="Back to what was found").click()
    assert page.url == answer


def in_the_middle_of(picture: Locator) -> tuple[int, ...]:
    """The colour that is seen there."""
    with Pillow.open(io.BytesIO(picture.screenshot())) as seen:
        pixel: tuple[int, ...] = seen.getpixel((seen.width // 2, seen.height // 2))
    return pixel[:3]


def test_with_a_key_held_the_comparison_opens_as_a_page(open_page, copy):
    copy(UPRIGHT, overlap())
    page = open_page()
    ask(page, plain(RED))

    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Compare").click(modifiers=["Control"])

    expect(opened.value.get_by_role("heading", name="blue")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
