"""What a reader does in the page's rooms, by the roles and names of its controls."""

import pytest

pytest.importorskip("playwright", reason="no playwright: pip install -c constraints.txt -e '.[dev]'")

from playwright.sync_api import Locator, Page, expect

FORM = "五言绝句"


def open_room(tab: Page, name: str) -> None:
    tab.get_by_role("tab", name=name).click()


def write(tab: Page, count: int = 2, **texts: str) -> list[Locator]:
    """The cards of the poems, all written, for texts of controls by their labels."""
    tab.get_by_label("Form").select_option(FORM)
    tab.get_by_text("More choices").click()
    for label, text in {"How many poems": str(count), **texts}.items():
        tab.get_by_label(label).fill(text)
    tab.get_by_text("More choices").click()
    tab.get_by_role("button", name="Write", exact=True).click()
    return written(tab, count)


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
    tab.get_by_role("button", name="Check", exact=True).click()
    expect(tab.get_by_text("Done.")).to_be_visible()
    return tab.get_by_role("tabpanel", name="Check")


def verse(card: Locator) -> str:
    """A card's poem with its marks."""
    return card.get_by_role("group").get_attribute("aria-label") or ""
