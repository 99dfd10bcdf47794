"""Chromium over a live server: the pages as people meet them."""

import os
from collections.abc import Callable, Iterator

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from deploy.check.browsers import find
from tests.unit.web.conftest import *  # noqa: F403  # the same catalogue and worker

CHROMIUM = find("chromium")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("NO CHROMIUM: the browser tests did not run")
    # Playwright's loop makes Django believe that database calls are made from a coroutine.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session", autouse=True)
def own_static_files() -> Iterator[None]:
    """Static files come from the site itself, under its own addresses, as in production.

    The live server would look for them first, and knows no digests in addresses.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StaticFilesHandler, "_should_handle", lambda *_: False)
        yield


@pytest.fixture
def open_page(chromium, live_server) -> Iterator[Callable[..., Page]]:
    """Open the search page in a context of its own; every complaint of the browser fails the test.

    The answer's own status (400, 503) is one that the browser reports and the test expects.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def hear(message) -> None:
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    def open_page(path: str = "/", **options: object) -> Page:
        context = chromium.new_context(
            base_url=live_server.url, **{"locale": "en-US", "reduced_motion": "reduce"} | options
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
