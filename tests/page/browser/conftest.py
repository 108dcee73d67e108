"""The page in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.page.serving import Page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Request
    from playwright.sync_api import Page as Tab

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]  # root has no sandbox


@pytest.fixture(scope="module")  # no longer, since meanwhile no other test in this process could run an event loop
def chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    from tests.page.browser.rooms import CHROMIUM

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser, page: Page) -> Iterator[BrowserContext]:
    """Windows of a browser that fail the test if the console has an error, or if they ask another server."""
    address = f"http://127.0.0.1:{page.port}"
    refusing = [f"{address}/{room}" for room in ("write", "check", "inside")]
    wrong: list[str] = []

    def asked(request: Request) -> None:
        if not request.url.startswith((f"{address}/", "blob:")):
            wrong.append(request.url)

    def told(message: ConsoleMessage) -> None:
        is_refusal = message.location["url"] in refusing and "status of 400" in message.text
        if message.type in ("error", "warning") and not is_refusal:
            wrong.append(message.text)

    with chromium.new_context(base_url=address, permissions=["clipboard-read", "clipboard-write"]) as windows:
        windows.set_default_timeout(20_000)
        windows.on("request", asked)
        windows.on("console", told)  # a violation of the Content-Security-Policy too
        windows.on("weberror", lambda error: wrong.append(str(error.error)))
        yield windows
    assert not wrong


@pytest.fixture
def tab(context: BrowserContext) -> Tab:
    """The page as it opens."""
    opened = context.new_page()
    opened.goto("/")
    return opened
