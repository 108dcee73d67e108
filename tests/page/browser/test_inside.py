"""A poem is looked into."""

import re
from types import SimpleNamespace

import pytest

from tang.page.corpus import Corpus
from tests.page.browser.rooms import NIGHT, Page, expect, lines, look_inside, open_room, press, write

HOW = "To have it, run: python src/check.py 春 ckpt=shipped corpus=true"


def test_a_poem_from_its_card_has_its_numbers_at_each_character_and_in_a_table(tab: Page) -> None:
    (card,) = write(tab, 1)
    poem = lines(card)
    card.get_by_role("button", name="Look inside").click()
    room = tab.get_by_role("tabpanel", name="Look inside")
    expect(room.get_by_text("Done.")).to_be_visible()
    expect(room.get_by_text(HOW)).to_be_visible()
    of_line = room.get_by_role("group", name=f"Line 1: {poem[0]}")
    first = of_line.first.get_by_role("img").first
    gates = of_line.nth(1).get_by_role("img").first.get_attribute("aria-label") or ""
    assert re.fullmatch(rf"{poem[0][0]}: 0\.\d+ input gate, 0\.\d+ forget gate, 0\.\d+ output gate", gates)
    expect(room.get_by_text("This model is told nothing of the lines above")).to_be_visible()
    said = first.get_attribute("aria-label") or ""
    character, bits = re.findall(r"^(.): ([\d.]+) bits for the model$", said)[0]
    room.get_by_text("The numbers as a table").first.click()
    rows = room.get_by_role("table").first.get_by_role("row")
    expect(rows).to_have_count(21)
    assert rows.nth(1).get_by_role("cell").all_inner_texts() == ["1", f"{float(bits):.1f}"]
    expect(rows.nth(1).get_by_role("rowheader")).to_have_text(character)


def test_arrows_lead_from_bar_to_bar_with_the_trigram_beside_the_model(
    tab: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    trigram = SimpleNamespace(trigram_log_p=lambda text: [-1.0] * (len(text) + 1))
    monkeypatch.setattr(Corpus, "counted", trigram)
    room = look_inside(tab, NIGHT)
    expect(room.get_by_text("the trigram model, which counts")).to_contain_text("takes 1.4.")
    first, second = room.get_by_role("img").all()[:2]
    first.focus()
    first.press("ArrowRight")
    expect(second).to_be_focused()
    expect(room.get_by_text("前:")).to_contain_text("1.4 for the trigram model")
    expect(room.get_by_role("columnheader", name="the trigram model, bits", include_hidden=True)).to_have_count(1)


def test_what_looks_like_no_poem_is_a_mistake_at_its_control(tab: Page) -> None:
    open_room(tab, "Look inside")
    tab.get_by_label("Poem to look into").fill("abc")
    press(tab, "Look inside")
    expect(tab.get_by_label("Poem to look into")).to_be_focused()
    expect(tab.get_by_label("Poem to look into")).to_have_attribute("aria-invalid", "true")
