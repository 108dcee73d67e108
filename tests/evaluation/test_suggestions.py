import pytest

from tang.evaluation.likelihood import likelihood
from tang.evaluation.poem_report import PoemReport, as_text
from tang.evaluation.suggestions import with_suggestions
from tang.prosody.critique import Critique, critique
from tang.prosody.mending import fits
from tang.tasks.language_model import LanguageModel
from tang.text.forms import hanzi

# 月 at the second place of the third line should be 平, and 天, at the end, is off the rhyme 上平一东.
LINES = ["月月天天月", "天天月月风", "天月天月月", "月月月天红", "月月天天月", "天天月月东", "天天天月月", "月月月天天"]
POEM = "，".join(LINES)


def mended(poem: Critique, line: int, place: int, character: str) -> Critique:
    lines = [found.text for found in poem.lines]
    lines[line - 1] = lines[line - 1][: place - 1] + character + lines[line - 1][place:]
    marked = "".join(text + found.mark for text, found in zip(lines, poem.lines, strict=True))
    return critique(marked, poem.script)


def test_the_whole_poem_is_likeliest_with_the_first_suggestion(model: LanguageModel) -> None:
    slip, off_rhyme = with_suggestions(model, critique(POEM), 5).to_mend
    assert (slip.line, slip.place, slip.wanted) == (3, 2, ["平"])
    assert (off_rhyme.line, off_rhyme.place, off_rhyme.wanted) == (8, 5, ["上平一东"])
    assert not off_rhyme.suggestions, "风红东 rhyme, and stand in the poem"
    poem = critique(POEM)
    level = [symbol for symbol in model.vocabulary.symbols if hanzi(symbol) and fits(symbol, ["平"], "simplified")]
    totals = {
        character: likelihood(model, mended(poem, 3, 2, character)).total
        for character in level
        if character not in POEM
    }
    best = sorted(totals, key=lambda character: -totals[character])[:5]
    assert list(slip.suggestions) == best
    assert slip.suggestions == pytest.approx({character: totals[character] for character in best}, rel=1e-5)


def test_gaps_are_filled_together(model: LanguageModel) -> None:
    first, second = with_suggestions(model, critique("月□天天月，月天□天天。"), 3).to_mend
    assert (first.character, second.character) == ("囗", "囗")
    assert len(first.suggestions) == len(second.suggestions) == 3

    character, value = next(iter(first.suggestions.items()))
    others = [symbol for symbol in model.vocabulary.symbols if hanzi(symbol) and fits(symbol, "平仄", "simplified")]
    totals = [likelihood(model, critique(f"月{character}天天月，月天{other}天天。")).total for other in others]
    assert sum(total == pytest.approx(value, abs=1e-4) for total in totals) == 1, "one of them is in the other gap"


def test_few_candidates_are_scored(model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tang.evaluation.suggestions.CANDIDATES", 2)
    slip, _ = with_suggestions(model, critique(POEM), 5).to_mend
    assert len(slip.suggestions) == 2


def test_suggestions_are_in_the_poems_script(model: LanguageModel) -> None:
    assert model.script == "simplified"
    simplified, traditional = (
        set(with_suggestions(model, critique(poem), 32).to_mend[0].suggestions)
        for poem in (POEM, POEM.replace("风", "風"))
    )
    assert "云" in simplified - traditional
    assert "雲" in traditional - simplified


def test_the_report_shows_them(model: LanguageModel) -> None:
    found = with_suggestions(model, critique(POEM), 2)
    such_as = "，".join(found.to_mend[0].suggestions)
    text = as_text([PoemReport(found)])
    assert f"to mend: line 3, character 2: 月 → 平, such as {such_as}\n" in text
    assert text.endswith("\n         line 8, character 5: 天 → 上平一东")


def test_a_poem_stays_as_it_is_where_nothing_is_to_mend_or_wanted(model: LanguageModel) -> None:
    poem = critique("白日依山尽，黄河入海流。欲穷千里目，更上一层楼。")
    assert with_suggestions(model, poem, 5) is poem
    assert with_suggestions(model, (faulty := critique(POEM)), 0) is faulty
