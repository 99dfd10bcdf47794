"""A search that takes its time: it says so, can be given up, and leaves the form usable."""

import base64

import pytest
from playwright.sync_api import Page, expect

from catalog import storage
from kernel.task_messages import QueryRegion
from search import query_files
from tests.unit.web import fake_worker
from tests.unit.web.conftest import GREEN, RED, encoded

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]

DOING = "Searching: your picture is described, then compared with all others."
# As a file that is chosen; without waiting for what follows.
CHOOSE = """(encoded) => {
  const bytes = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], "mine.png", {type: "image/png"}));
  const input = document.querySelector("input[name=picture]");
  setTimeout(() => {
    input.files = transfer.files;
    input.dispatchEvent(new Event("change"));
  });
}"""


@pytest.fixture
def catalogue(searchable, worker) -> None:
    searchable(encoded(RED), "red")
    searchable(encoded(GREEN), "green")


def choose(page: Page, data: bytes) -> None:
    page.set_input_files(
        "input[name=picture]", {"name": "mine.png", "mimeType": "image/png", "buffer": data}
    )


# What a person sees while the next page is awaited: the page notes it down itself, and gives up
# after a second. From outside nobody can ask it: DevTools wait with the navigation.
LOOK_AND_GIVE_UP = """(how) => {
  const bar = document.querySelector("[data-progress]");
  const look = () => ({
    isShown: !bar.hidden,
    said: bar.querySelector("[role=status]").textContent,
    seconds: parseInt(bar.querySelector("[data-elapsed]").textContent),
    busy: [...document.querySelectorAll("[aria-busy]")].map((each) => each.textContent.trim()),
  });
  const waysOut = {
    button: () => bar.querySelector("[data-cancel]").click(),
    Escape: () => document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" })),
    browser: () => window.stop(), // as its own button does
  };
  window.seen = new Promise((resolve) => setTimeout(() => {
    const waiting = look();
    waysOut[how]();
    setTimeout(() => resolve([waiting, look()]), 200);
  }, 1300));
}"""


def look_and_give_up(page: Page, how: str, begin: str, *arguments: object) -> list[dict]:
    """What is seen of a search that waits, and what after it was given up."""
    with fake_worker.held_extraction():
        page.evaluate(LOOK_AND_GIVE_UP, how)
        page.evaluate(begin, *arguments)
        return page.evaluate("window.seen")


@pytest.mark.parametrize("how", ["button", "Escape", "browser"])
def test_a_search_that_is_given_up_leaves_the_form_usable(open_page, catalogue, how):
    page = open_page()

    waiting, given_up = look_and_give_up(page, how, CHOOSE, base64.b64encode(encoded(RED)).decode())

    assert (waiting["isShown"], waiting["said"], waiting["seconds"]) == (True, DOING, 1)
    assert len(waiting["busy"]) == 1
    assert (given_up["isShown"], given_up["busy"]) == (False, [])
    choose(page, encoded(RED))  # the same picture again
    expect(page.locator(".hit .name").first).to_have_text("red")
    expect(page.locator("[data-progress]")).to_be_hidden()


def test_a_part_that_is_searched_with_says_that_it_is_busy(open_page, catalogue, version):
    dog = QueryRegion("object", 0, (30, 10, 50, 30), "dog", 0.9)
    fake_worker.answer_with(version_id=version.pk, regions=[dog])
    page = open_page()
    choose(page, encoded(RED))
    chip = page.locator(".chip.search").filter(has_text="dog")
    expect(chip).to_be_visible()
    expect(page.locator(".proving")).to_have_count(0)
    for name in list(storage.list_names(query_files.EXTRACTED)):
        storage.delete(name)  # so that models run again

    waiting, given_up = look_and_give_up(
        page, "Escape", "setTimeout(() => document.querySelectorAll('.chip.search')[1].click())"
    )

    assert (waiting["isShown"], waiting["said"]) == (True, DOING)
    assert waiting["busy"] == ["dog 90%"]
    assert given_up["busy"] == []
    chip.click()
    expect(page.locator(".chip.search[aria-current]")).to_contain_text("dog")


def test_back_from_a_search_the_form_is_as_it_was(open_page, catalogue):
    page = open_page()
    choose(page, encoded(RED))
    expect(page.locator(".hit .name").first).to_have_text("red")

    page.go_back()

    expect(page.locator("[data-progress]")).to_be_hidden()
    choose(page, encoded(GREEN))
    expect(page.locator(".hit .name").first).to_have_text("green")
