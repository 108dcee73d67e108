"""What a reader does in the page's rooms, by the roles and names of its controls."""

import shutil

import pytest

pytest.importorskip("playwright", reason="no playwright: pip install -c constraints.txt -e '.[dev]'")

from playwright.sync_api import Locator as Locator
from playwright.sync_api import Page as Page
from playwright.sync_api import expect as expect

expect.set_options(timeout=20_000)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("no Chromium: apt-get install chromium, or have a google-chrome on PATH", allow_module_level=True)


def open_room(tab: Page, name: str) -> None:
    tab.get_by_role("tab", name=name).click()


def write(tab: Page, count: int = 2, **texts: str) -> list[Locator]:
    """The cards of poems, all written, with these texts in the controls of these labels."""
    choose(tab, count, **texts)
    press(tab, "Write")
    return written(tab, count)


def choose(tab: Page, count: int, **texts: str) -> None:
    """Put texts into controls by their labels."""
    tab.get_by_label("Form").select_option("五言绝句")
    for label, text in texts.items():
        tab.get_by_label(label).fill(text)
    more = tab.get_by_text("More choices")
    more.click()
    tab.get_by_label("How many poems").fill(str(count))
    more.click()


def press(tab: Page, name: str) -> None:
    tab.get_by_role("button", name=name, exact=True).click()


def written(tab: Page, count: int) -> list[Locator]:
    """The cards of as many poems, once all are there."""
    expect(tab.get_by_text(f"{count} of {count} written")).to_be_visible()
    cards = tab.get_by_role("article")
    expect(cards).to_have_count(count)
    return cards.all()


def check(tab: Page, poem: str) -> Locator:
    """The report on a poem, complete."""
    open_room(tab, "Check")
    tab.get_by_label("A poem").fill(poem)
    press(tab, "Check")
    expect(tab.get_by_text("Done.")).to_be_visible()
    return tab.get_by_role("tabpanel", name="Check")


def verse(card: Locator) -> str:
    """A card's poem with its marks."""
    return card.get_by_role("group").get_attribute("aria-label") or ""
