"""Lines and characters of a poem are changed and locked."""

from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest

from tang.page import server, writing
from tests.page.browser.rooms import (
    Page,
    check_picture,
    expect,
    lines,
    offer,
    others,
    place,
    press,
    press_until,
    saved,
    verse,
    write,
    written,
)

CLICKS = "window.clicks = 0; addEventListener('click', (event) => { window.clicks += event.isTrusted; }, true)"


def test_another_line_stands_in_the_place_of_one_and_what_was_there_comes_back(tab: Page) -> None:
    (card,) = write(tab, 1)
    first = lines(card)
    offered = others(offer(place(card, 3)))
    texts = [other.inner_text() for other in offered]
    assert len({*texts, first[2]}) == len(texts) + 1
    offered[1].click()
    expect(tab.get_by_text("Changed; Undo brings back what was there.")).to_be_visible()
    changed = [*first[:2], texts[1], first[3]]
    assert lines(card) == changed
    card.get_by_role("button", name="Step back").click()
    assert lines(card) == first
    press(tab, "Undo")
    assert lines(card) == changed
    press(tab, "Undo")
    assert lines(card) == first


def test_more_looks_for_other_lines(tab: Page) -> None:
    (card,) = write(tab, 1)
    dialog = offer(place(card, 2))
    found = [other.inner_text() for other in others(dialog)]
    dialog.get_by_role("button", name="More").click()
    expect(dialog.get_by_text("These suit the whole poem.")).to_be_visible()
    assert [other.inner_text() for other in others(dialog)] != found


def test_another_character_stands_in_the_place_of_one(tab: Page) -> None:
    (card,) = write(tab, 1)
    poem = verse(card)
    dialog = offer(place(card, 2, 3))
    expect(dialog.get_by_role("heading")).to_have_text(f"Line 2, character 3: {poem[8]}")
    expect(dialog.get_by_text("surprise")).to_contain_text("likely here too: ")
    offered = others(dialog)
    texts = [other.inner_text() for other in offered]
    assert len({*texts, poem[8]}) == 6
    offered[4].click()
    assert verse(card) == poem[:8] + texts[4] + poem[9:]
    expect(place(card, 2, 3)).to_be_focused()


def test_what_is_locked_stays_when_its_line_or_the_rest_is_written_anew(tab: Page) -> None:
    (card,) = write(tab, 1)
    rest = card.get_by_role("button", name="Write the rest anew")
    expect(rest).to_be_disabled()
    offer(place(card, 3, 2)).get_by_role("button", name="Lock").click()
    expect(place(card, 3, 2)).to_contain_text("locked")
    offer(place(card, 1)).get_by_role("button", name="Lock the line").click()
    before = lines(card)
    offered = [other.inner_text() for other in others(offer(place(card, 3)))]
    assert {other[1] for other in offered} == {before[2][1]}
    tab.keyboard.press("Escape")
    rest.click()
    expect(tab.get_by_text("Changed; Undo")).to_be_visible()
    after = lines(card)
    assert (after[0], after[2][1]) == (before[0], before[2][1])
    assert after[1] != before[1]
    place(card, 1).click()
    expect(tab.get_by_role("dialog")).to_contain_text("All of it is locked.")
    expect(tab.get_by_role("button", name="Lock the line", pressed=True)).to_be_visible()


def test_nothing_is_locked_while_the_rest_is_written_anew(tab: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    go = Event()

    def slow(*given: Any) -> Iterator[Any]:
        go.wait(20)
        yield from writing.write(*given)

    cards = write(tab, Acrostic="春风江月")
    first, second = map(verse, cards)
    monkeypatch.setattr(server, "write", slow)
    cards[0].get_by_role("button", name="Write the rest anew").click()
    place(cards[0], 2).click()
    tab.get_by_role("button", name="Lock the line").click()
    expect(tab.get_by_text("Wait until all are written, or press Stop.")).to_be_visible()
    go.set()
    expect(tab.get_by_text("Changed; Undo")).to_be_visible()
    assert verse(cards[0]) != first
    assert verse(cards[1]) == second


def test_the_characters_of_an_acrostic_are_locked_from_the_start(tab: Page) -> None:
    (card,) = write(tab, 1, Acrostic="春风江月")
    for line in range(1, 5):
        expect(place(card, line, 1)).to_contain_text("locked")
        expect(place(card, line, 2)).not_to_contain_text("locked")
    before = lines(card)
    card.get_by_role("button", name="Write the rest anew").click()
    expect(tab.get_by_text("Changed; Undo")).to_be_visible()
    assert "".join(line[0] for line in lines(card)) == "春风江月"
    assert lines(card) != before


def test_the_link_of_a_changed_poem_opens_it_as_it_was_changed(tab: Page) -> None:
    cards = write(tab)
    others(offer(place(cards[1], 2)))[0].click()
    poems = [verse(card) for card in cards]
    cards[1].get_by_role("button", name="Copy a link").click()
    expect(tab.get_by_text("Link copied")).to_be_visible()
    again = tab.context.new_page()
    again.goto(tab.evaluate("navigator.clipboard.readText()"))
    opened = written(again, 2)
    expect(opened[1].get_by_role("button", name="Step back")).to_be_enabled()
    assert [verse(card) for card in opened] == poems


def test_the_keyboard_alone_changes_a_line_and_leaves_a_character(tab: Page) -> None:
    (card,) = write(tab, 1)
    before = lines(card)
    press_until(tab, "Tab", place(card, 1, 1))
    press_until(tab, "ArrowRight", place(card, 1))
    press_until(tab, "ArrowDown", place(card, 2))
    tab.keyboard.press("Enter")
    dialog = tab.get_by_role("dialog", name="Line 2")
    expect(dialog).to_be_focused()
    expect(dialog.get_by_text("These suit the whole poem.")).to_be_visible()
    first, second = others(dialog)[:2]
    other = second.inner_text()
    press_until(tab, "Tab", first)
    press_until(tab, "Tab", second)
    tab.keyboard.press("Enter")
    assert lines(card) == [before[0], other, *before[2:]]
    expect(place(card, 2)).to_be_focused()
    tab.keyboard.press("ArrowLeft")
    expect(place(card, 2, 5)).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("dialog", name="Line 2, character 5")).to_be_focused()
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("dialog")).to_be_hidden()
    expect(place(card, 2, 5)).to_be_focused()


def test_a_birthday_acrostic_with_another_line_is_a_picture_after_five_clicks(tab: Page) -> None:
    tab.get_by_label("Form").select_option("五言绝句")
    tab.evaluate(CLICKS)
    tab.get_by_label("Acrostic").click()
    tab.keyboard.insert_text("生日快乐")
    press(tab, "Write")
    card = written(tab, 4)[0]
    others(offer(place(card, 3)))[0].click()
    assert "".join(line[0] for line in lines(card)) == "生日快乐"
    check_picture(saved(tab, card, "Save as a picture"), is_vertical=False)
    assert tab.evaluate("window.clicks") == 5
