"""Journeys in Firefox: Debian's firefox-esr, driven by Mozilla's own client.

Playwright needs a Firefox of its own making or a newer one than Debian's.
"""

import base64
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.check.browsers import find
from tests.browser.test_search_page import SEND_FILE
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED, encoded

# It imports telnetlib, which Python 3.13 has no more.
pytest.importorskip("marionette_driver", reason="NO CLIENT FOR FIREFOX: its tests did not run")
from marionette_driver import By, Wait
from marionette_driver.errors import NoSuchElementException
from marionette_driver.marionette import ActionSequence, Marionette

pytestmark = pytest.mark.django_db(transaction=True)

FIREFOX = find("firefox-esr")
# Its counterpart in Debian listens on a port that it chooses itself, and keeps nothing on disk.
PREFERENCES = {"intl.accept_languages": "en-US", "ui.prefersReducedMotion": 1}
WAIT_S = 20


@pytest.fixture(scope="session")
def firefox_process(tmp_path_factory) -> Iterator[Marionette]:
    if FIREFOX is None:
        pytest.skip("NO FIREFOX: its browser tests did not run")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    firefox = Marionette(
        bin=FIREFOX,
        headless=True,
        port=0,
        prefs=PREFERENCES,
        gecko_log=str(tmp_path_factory.mktemp("firefox") / "log"),
    )
    firefox.start_session()
    yield firefox
    firefox.quit()
    # Now: when the interpreter ends, it would fail at that.
    firefox.cleanup()


class Reader:
    """A person at Firefox."""

    def __init__(self, firefox: Marionette, address: str) -> None:
        self.firefox = firefox
        self.address = address

    def visit(self, path: str = "/") -> None:
        self.firefox.navigate(f"{self.address}{path}")

    def find(self, selector: str):
        """The first of these, once it is there."""
        waiting = Wait(self.firefox, WAIT_S, ignored_exceptions=NoSuchElementException)
        return waiting.until(lambda firefox: firefox.find_element(By.CSS_SELECTOR, selector))

    def titles(self) -> list[str]:
        """The titles of the hits, once their proofs are there: those replace the hits."""
        names = "return [...document.querySelectorAll('.hit .name')].map((name) => name.innerText)"
        waiting = "return document.querySelector('.hit') && !document.querySelector('.proving')"
        self.wait_for(lambda: self.run(waiting), "hits and proofs")
        return self.run(names)

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        Wait(self.firefox, WAIT_S).until(lambda _: condition(), message=what)

    def run(self, script: str, *arguments: object) -> object:
        return self.firefox.execute_script(script, script_args=arguments)


@pytest.fixture
def reader(firefox_process, live_server) -> Iterator[Reader]:
    yield Reader(firefox_process, live_server.url)
    firefox_process.navigate("about:blank")
    firefox_process.delete_all_cookies()
    firefox_process.set_window_rect(width=1280, height=1000)


@pytest.fixture
def catalogue(searchable, worker) -> None:
    for name, colour in {"red": RED, "dark red": DARK_RED, "green": GREEN, "blue": BLUE}.items():
        searchable(encoded(colour), name)


def test_a_picked_picture_finds_its_like_and_reloading_finds_them_again(
    reader, catalogue, tmp_path: Path
):
    picture = tmp_path / "query.png"
    picture.write_bytes(encoded(RED))
    reader.visit()

    reader.find("input[name=picture]").send_keys(str(picture))

    assert reader.titles()[0] == "red"
    reader.firefox.refresh()
    assert reader.titles()[0] == "red"
    reader.find(".hit").click()
    reader.wait_for(lambda: "/images/" in reader.firefox.get_url(), "the page of the image")


def test_a_dropped_picture_is_searched_with(reader, catalogue):
    reader.visit()

    data = base64.b64encode(encoded(GREEN)).decode()
    reader.run(f"({SEND_FILE})(arguments[0])", ["drop", data, "query.png"])

    assert reader.titles()[0] == "green"


def test_a_box_drawn_by_mouse_is_searched_with(reader, catalogue, tmp_path: Path):
    picture = tmp_path / "query.png"
    picture.write_bytes(encoded(BLUE, size=(600, 400)))
    reader.visit()
    reader.find("input[name=picture]").send_keys(str(picture))
    asked = reader.find("svg[data-parts]")
    reader.run("arguments[0].scrollIntoView({block: 'center'})", asked)
    place = reader.run("return arguments[0].getBoundingClientRect().toJSON()", asked)
    left, top = int(place["left"]), int(place["top"])

    mouse = ActionSequence(reader.firefox, "pointer", "mouse", {"pointerType": "mouse"})
    mouse.pointer_move(left + 20, top + 20).pointer_down().pointer_move(left + 60, top + 50)
    mouse.pointer_move(left + 120, top + 100).pointer_up().perform()

    reader.wait_for(lambda: "box=" in reader.firefox.get_url(), "the search with the box")
    assert reader.titles()[0] == "blue"
