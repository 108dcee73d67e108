"""What a reader does in the page's rooms, by the roles and names of its controls."""

import re
import shutil
from pathlib import Path

import pytest
from matplotlib.image import imread

pytest.importorskip("playwright", reason="no playwright: pip install -c constraints.txt -e '.[dev]'")

from playwright.sync_api import Locator as Locator
from playwright.sync_api import Page as Page
from playwright.sync_api import expect as expect

expect.set_options(timeout=20_000)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("no Chromium: apt-get install chromium, or have a google-chrome on PATH", allow_module_level=True)
NIGHT = "床前明月光，疑是地上霜。举头望明月，低头思故乡。"


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
    tab.get_by_label("Seed").fill("1")
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
    return ask(tab, "Check", "A poem", poem)


def look_inside(tab: Page, poem: str) -> Locator:
    """The pictures of a poem."""
    return ask(tab, "Look inside", "Poem to look into", poem)


def ask(tab: Page, room: str, label: str, poem: str) -> Locator:
    """A room with all of its answer about a poem."""
    open_room(tab, room)
    tab.get_by_label(label).fill(poem)
    press(tab, room)
    panel = tab.get_by_role("tabpanel", name=room)
    expect(panel.get_by_text("Done.")).to_be_visible()
    return panel


def verse(card: Locator) -> str:
    """A card's poem with its marks."""
    return card.get_by_role("group").get_attribute("aria-label") or ""


def lines(card: Locator) -> list[str]:
    """The lines of a card's poem."""
    return re.findall("[^，。]+", verse(card))


def place(card: Locator, line: int, character: int | None = None) -> Locator:
    """The button of a character in a card of five characters a line, or of a line."""
    if character is None:
        return card.get_by_role("button", name=f"Line {line}", exact=True)
    return card.get_by_role("group").first.get_by_role("button").nth(6 * (line - 1) + character - 1)


def offer(at: Locator) -> Locator:
    """The dialog at a character or a line, once others are found."""
    at.click()
    dialog = at.page.get_by_role("dialog")
    expect(dialog.get_by_text("These suit the whole poem.")).to_be_visible()
    return dialog


def others(dialog: Locator) -> list[Locator]:
    """The characters or lines that are offered."""
    return dialog.get_by_role("group").get_by_role("button", disabled=False).all()


def press_until(tab: Page, key: str, target: Locator) -> None:
    for _ in range(40):
        tab.keyboard.press(key)
        if target.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"{key} doesn't lead there")


def saved(tab: Page, card: Locator, button: str) -> Path:
    with tab.expect_download() as download:
        card.get_by_role("button", name=button).click()
    return Path(download.value.path())


def check_picture(path: Path, is_vertical: bool) -> None:
    """Four lines of ink on paper, of 128 pixels a character and 1.15 times as much a line."""
    is_ink = imread(path, format="png")[..., :3].mean(axis=-1) < 0.4
    along = 0 if is_vertical else 1
    assert is_ink.shape[along] == pytest.approx(7.4 * 128, abs=1)
    assert is_ink.shape[1 - along] == pytest.approx((4 * 1.15 + 1.2) * 128, abs=1)
    has_ink = is_ink.any(axis=along)
    assert (has_ink[1:] > has_ink[:-1]).sum() >= 4
    assert 0.01 < is_ink.mean() < 0.3
