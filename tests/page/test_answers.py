"""What the page writes and reports."""

import re

import pytest

from tang.generation.generate import generate
from tang.page.checking import check
from tang.page.requests import CHECK, WRITE, to_check, to_write
from tang.page.server import STATIC
from tang.page.verse import tones
from tang.page.writing import write
from tang.tasks.language_model import LanguageModel
from tests.page.test_requests import body

NIGHT = "静夜思\n床前明月光，疑是地上霜。举头望明月，低头思故乡。"


def test_poems_are_those_of_the_command_line(small_model: LanguageModel) -> None:
    request = to_write(body({"start": ["日"], "n": 3, "candidates": 2, "seed": 5}))
    expected = generate(small_model, request)
    head, *poems = write(small_model, request)
    assert head == {"seed": 5, "count": 3}
    assert [[line["simplified"] for line in item["poem"]["lines"]] for item in poems] == [p.lines for p in expected]


def test_without_a_beginning_each_poem_has_another(small_model: LanguageModel) -> None:
    head, *poems = write(small_model, to_write(body({"n": 3})))
    assert head["seed"] is not None
    assert [item["poem"]["lines"][0]["simplified"][0] for item in poems] == ["日", "红", "山"]


def test_a_card_has_what_the_page_draws(small_model: LanguageModel) -> None:
    request = to_write(body({"acrostic": ["春风"], "title": "云", "rhyme": "true", "form": "五言绝句"}))
    _, item = write(small_model, request)
    poem = item["poem"]
    first, second, *_ = poem["lines"]
    assert poem["title"] == {"simplified": "云", "traditional": "雲"}
    assert second["traditional"][0] == "風"
    assert len(first["tones"]) == len(first["surprise"]) == len(first["wanted"]) == 5
    assert all(bits > 0 for bits in first["surprise"])
    assert second["rhymes"]
    assert poem["rhyme"]


def test_an_entering_tone_is_told_from_other_oblique_ones() -> None:
    assert tones("日月东上中", "simplified") == "入入平仄中"


def test_a_report_shows_each_slip_at_its_character(small_model: LanguageModel) -> None:
    first, *suggestions = check(small_model, to_check(body({"poem": NIGHT, "suggestions": 2})))
    report = first["report"]
    assert report["title"] == "静夜思"
    assert dict(report["summary"])["Form"] == "五言绝句, not regular"
    assert dict(report["summary"])["Rhyme"].startswith("下平七阳 (光 下平七阳, 霜 下平七阳, 乡")
    (slip, *_) = report["remarks"]
    assert (slip["line"], slip["place"]) == (2, 4)
    assert slip["text"] == "上 is oblique (仄); it should be level (平)"
    assert slip["why"].endswith(".")
    assert {remark["kind"] for remark in report["remarks"]} == {"slip", "失粘", "失对"}
    assert [(item["suggestions"]["line"], item["suggestions"]["place"]) for item in suggestions] == [(2, 4), (3, 2)]
    assert all(len(item["suggestions"]["characters"]) == 2 for item in suggestions)


@pytest.mark.parametrize("poem", ["日", "日月，山", "日月山水风花，" * 40, "々□？abc日"])
def test_any_text_with_a_character_gets_a_report(small_model: LanguageModel, poem: str) -> None:
    first, *_ = check(small_model, to_check(body({"poem": poem})))
    assert first["report"]["lines"]


def test_every_control_is_a_key_with_a_label_and_a_place_for_its_mistakes() -> None:
    html = (STATIC / "index.html").read_text(encoding="utf-8")
    keys = re.findall(r'data-key="(\w+)"', html)
    assert {*keys} == {*WRITE, "poem"} - {"top_k", "top_p", "acrostic_at"}
    assert {*keys} <= {*WRITE, *CHECK}
    for key in keys:
        assert f'id="key-{key}-error"' in html
        assert f'for="key-{key}"' in html or f'<label class="choice"><input id="key-{key}"' in html


def test_the_page_names_no_address_outside() -> None:
    for path in STATIC.iterdir():
        addresses = re.findall(r"https?://[^\"' ]+|//[a-z]+\.[a-z]+", path.read_text(encoding="utf-8"))
        assert {*addresses} <= {"http://www.w3.org/2000/svg"}, path.name
