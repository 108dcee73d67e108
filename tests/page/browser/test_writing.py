"""Poems are written, looked at, taken along and removed."""

import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Event

import pytest

from tang.page import server
from tests.page.browser.rooms import (
    Locator,
    Page,
    check_picture,
    expect,
    press,
    press_until,
    saved,
    verse,
    write,
    written,
)


def test_the_link_of_poems_with_a_wish_writes_them_again(tab: Page) -> None:
    cards = write(tab, Acrostic="春风江月")
    poems = [verse(card) for card in cards]
    assert all("".join(poem[place] for place in (0, 6, 12, 18)) == "春风江月" for poem in poems)
    cards[1].get_by_role("button", name="Copy a link").click()
    expect(tab.get_by_text("Link copied")).to_be_visible()
    again = tab.context.new_page()
    again.goto(tab.evaluate("navigator.clipboard.readText()"))
    assert [verse(card) for card in written(again, 2)] == poems
    assert again.get_by_label("Acrostic").input_value() == "春风江月"


def test_a_poem_is_copied_and_saved_as_text(tab: Page, tmp_path: Path) -> None:
    (card,) = write(tab, 1, Title="云")
    poem = verse(card)
    text = f"《云》\n{poem[:12]}\n{poem[12:]}"
    card.get_by_role("button", name="Copy the poem").click()
    expect(tab.get_by_text("Copied.")).to_be_visible()
    assert tab.evaluate("navigator.clipboard.readText()") == text
    assert saved(tab, card, "Save as text").read_text(encoding="utf-8") == text + "\n"


def test_a_picture_has_the_poem_in_lines_or_in_columns(tab: Page) -> None:
    (card,) = write(tab, 1)
    check_picture(saved(tab, card, "Save as a picture"), is_vertical=False)
    tab.get_by_label("vertical").check()
    check_picture(saved(tab, tab.get_by_role("article"), "Save as a picture"), is_vertical=True)


def test_columns_and_traditional_characters(tab: Page) -> None:
    write(tab, 1, Acrostic="东风云长")
    tab.get_by_label("traditional").check()
    assert [verse(tab.get_by_role("article"))[place] for place in (0, 6, 12, 18)] == [*"東風雲長"]
    tab.get_by_label("vertical").check()
    first, second = (cell(tab, character).bounding_box() for character in "東風")
    assert first is not None
    assert second is not None
    assert first["x"] > second["x"]
    assert first["y"] == second["y"]
    tab.reload()
    expect(tab.get_by_label("vertical")).to_be_checked()
    assert verse(*written(tab, 1))[0] == "東"


def cell(tab: Page, character: str) -> Locator:
    return tab.get_by_role("group").get_by_role("button", name=character).first


def test_a_removed_poem_is_brought_back(tab: Page) -> None:
    cards = write(tab)
    poems = [verse(card) for card in cards]
    cards[0].get_by_role("button", name="Remove").click()
    expect(tab.get_by_role("article")).to_have_count(1)
    undo = tab.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    undo.press("Enter")
    assert [verse(card) for card in tab.get_by_role("article").all()] == poems


def test_a_mistake_stands_at_its_control(tab: Page) -> None:
    tab.get_by_label("Beginning").fill("x")
    press(tab, "Write")
    check_mistake(tab, "Beginning", "start=x")
    tab.get_by_label("Beginning").fill("日")
    tab.get_by_label("Seed").evaluate("control => control.value = '-x'")  # its room is still closed
    tab.get_by_label("Beginning").press("Enter")
    check_mistake(tab, "Seed", "seed=-x")
    expect(tab.get_by_label("Beginning")).not_to_have_attribute("aria-invalid", "true")


def check_mistake(tab: Page, label: str, message: str) -> None:
    control = tab.get_by_label(label)
    expect(control).to_be_focused()
    expect(control).to_have_attribute("aria-invalid", "true")
    assert message in control.evaluate("control => control.parentElement.querySelector('.error').textContent")
    expect(tab.get_by_text("One choice needs another look.")).to_be_visible()


def test_stop_ends_the_work_on_the_server_too(tab: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = Event(), Event()

    def endless(*_: object) -> Iterator[dict[str, int]]:
        try:
            for number in count():
                begun.set()
                yield {"seed": number}
                time.sleep(0.01)
        finally:
            ended.set()

    monkeypatch.setattr(server, "write", endless)
    press(tab, "Write")
    assert begun.wait(20)
    press(tab, "Stop")
    expect(tab.get_by_text("Stopped.")).to_be_visible()
    assert ended.wait(20)


def test_the_keyboard_alone_leads_to_a_character_of_a_poem(tab: Page) -> None:
    press_until(tab, "Tab", tab.get_by_label("Beginning"))
    tab.keyboard.type("日")
    tab.keyboard.press("Enter")
    cards = written(tab, 4)
    first, second = cards[0].get_by_role("group").get_by_role("button").all()[:2]
    press_until(tab, "Tab", first)
    detail = cards[0].get_by_text("surprise").last
    expect(detail).to_contain_text("日 ·")
    tab.keyboard.press("ArrowRight")
    expect(second).to_be_focused()
    expect(first).not_to_be_focused()
