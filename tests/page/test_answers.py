"""What the page writes and reports."""

import re
from math import log
from typing import Any

import pytest
import torch

from tang.data.vocabulary import BOS
from tang.evaluation.parts import Recorded, replaced
from tang.evaluation.trigram import Trigram
from tang.generation.generate import generate
from tang.page.checking import check
from tang.page.corpus import Corpus
from tang.page.inside import look_inside
from tang.page.requests import WRITE, to_check, to_look_inside, to_write
from tang.page.server import STATIC
from tang.page.verse import tones
from tang.page.writing import write
from tang.tasks.language_model import LanguageModel
from tang.text.forms import split_lines
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
    assert [len(other["traditional"]) for other in second["others"]] == [3] * 5
    assert all("".join(line["simplified"])[0] not in line["others"][0]["simplified"] for line in poem["lines"])
    shares = second["others"][0]["shares"]
    assert 100 > shares[0] >= shares[1] >= shares[2] > 0
    assert second["rhymes"]
    assert poem["rhyme"]


def test_a_single_gap_has_different_characters(small_model: LanguageModel) -> None:
    gapped = {"poem": ["日月山水风，花□夜天地。"], "n": 6, "title": "云", "seed": 3, "temperature": 0.5}
    head, *poems = write(small_model, to_write(body(gapped)))
    assert head == {"seed": 3, "count": 6}
    lines = [[line["simplified"] for line in item["poem"]["lines"]] for item in poems]
    assert all(first == "日月山水风" and (second[0], second[2:]) == ("花", "夜天地") for first, second in lines)
    assert len({second for _, second in lines}) == 6
    assert poems[0]["poem"]["title"]["traditional"] == "雲"


def test_a_line_that_is_a_gap_is_filled_time_and_again_under_the_wishes(small_model: LanguageModel) -> None:
    gapped = "□□□□□，花雪夜天风。春雨秋河月，江云南北□。"
    request = to_write(body({"poem": [gapped], "n": 3, "rhyme": "true", "no_repeat": True, "seed": 3}))
    _, *poems = write(small_model, request)
    for item in poems:
        first, second, third, last = [line["simplified"] for line in item["poem"]["lines"]]
        assert (second, third, last[:4]) == ("花雪夜天风", "春雨秋河月", "江云南北")
        assert item["poem"]["rhyme"] == "上平一东"
        assert not {*first} & {*gapped}
    assert [*write(small_model, request)] == [{"seed": 3, "count": 3}, *poems], "the same seed, the same poems"


def test_an_entering_tone_is_told_from_other_oblique_ones() -> None:
    assert tones("日月东上中", "simplified") == "入入平仄中"


def test_a_report_shows_each_slip_at_its_character(small_model: LanguageModel) -> None:
    first, _, *suggestions = check(
        small_model, Corpus(small_model, "shipped"), to_check(body({"poem": NIGHT, "suggestions": 2}))
    )
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


def test_without_the_corpus_one_line_says_how_to_have_it(small_model: LanguageModel) -> None:
    corpus = Corpus(small_model, "my run/best.ckpt")
    _, item = check(small_model, corpus, to_check(body({"poem": NIGHT, "suggestions": 0})))
    advice = "python src/check.py 春 'ckpt=my run/best.ckpt' corpus=true"
    assert item["copies"].endswith(advice)
    _, picture, *_ = look_inside(small_model, corpus, to_look_inside(body({"poem": NIGHT})))
    assert picture["missing"].endswith(advice)
    assert [series["name"] for series in picture["series"]] == ["the model"]


def test_with_the_corpus_its_lines_are_found_and_its_trigram_stands_beside_the_model(model: LanguageModel) -> None:
    corpus, train = Corpus(model, "shipped"), model.data_module().prepared.splits["train"]
    poem = model.vocabulary.decode(train[0].tolist())
    lines = [line.strip("，。") for line in split_lines(poem)]
    text = f"{lines[0]}，{'龘' * len(lines[1])}。"
    _, item, *_ = check(model, corpus, to_check(body({"poem": text, "suggestions": 0})))
    size = len(lines[0])
    assert item["copies"] == f"{lines[0]} (line 1); longest span in common: {size} characters"
    first, picture, *_ = look_inside(model, corpus, to_look_inside(body({"poem": poem})))
    assert [line["simplified"] for line in first["poem"]["lines"]] == lines
    of_model, of_trigram = (series["values"] for series in picture["series"])
    assert first["poem"]["lines"][0]["surprise"] == of_model[0]
    assert picture["missing"] is None
    _, losses = Trigram.of(train, len(model.vocabulary)).token_losses(train.part(0, 1))
    assert of_trigram[0] == pytest.approx((losses[:size] / log(2)).tolist(), abs=0.06)
    assert [len(line) for line in of_trigram] == [len(line) for line in lines]


def pictures_of(model: LanguageModel) -> dict[str, dict[str, Any]]:
    """The pictures of a poem by their names."""
    _, *found = look_inside(model, Corpus(model, "shipped"), to_look_inside(body({"poem": "日月山，花雪夜。"})))
    return {picture["picture"]: picture for picture in found}


def test_gates_are_the_means_over_cells_after_each_character(small_model: LanguageModel) -> None:
    ids = torch.tensor([[BOS, *small_model.vocabulary.encode("日月山，花雪夜。")]])
    recorded = Recorded(small_model.network.recurrent)
    with torch.inference_mode(), replaced(small_model.network, "recurrent", recorded):
        small_model.network.read(ids)
    forget = recorded.records[-1].forget_gate[:, 0].mean(-1)
    series = {one["name"]: one["values"] for one in pictures_of(small_model)["gates"]["series"]}
    assert [*series] == ["input gate", "forget gate", "output gate"]
    assert series["forget gate"] == [
        pytest.approx(forget[1:4].tolist(), abs=0.006), pytest.approx(forget[5:8].tolist(), abs=0.006)
    ]  # fmt: skip


def test_what_is_heard_is_what_the_network_uses(small_model: LanguageModel) -> None:
    deaf = pictures_of(small_model)["hearing"]
    assert deaf["series"] == []
    assert deaf["about"].startswith("This model is told nothing of the lines above")
    torch.manual_seed(0)
    config = {"hidden_size": 8, "echo_size": 4}
    model = LanguageModel(config, small_model.vocabulary.symbols, {}).eval()
    with torch.no_grad():
        weight_ih = model.network.recurrent.weights(0)[0]
        weight_ih[:, 8:12] *= 100  # one line above
        weight_ih[:, 12:] = 0  # two lines above, the place
    series = {one["name"]: one["values"] for one in pictures_of(model)["hearing"]["series"]}
    assert series["two lines above"] == series["the place"] == [[0, 0, 0], [0, 0, 0]]
    assert series["one line above"][0] == [0, 0, 0]  # nothing stands above the first line
    assert any(series["one line above"][1])


@pytest.mark.parametrize("poem", ["日", "日月，山", "日月山水风花，" * 40, "々□？abc日"])
def test_any_text_with_a_character_gets_a_report(small_model: LanguageModel, poem: str) -> None:
    first, *_ = check(small_model, Corpus(small_model, "shipped"), to_check(body({"poem": poem})))
    assert first["report"]["lines"]


def test_every_control_is_a_key_with_a_label_and_a_place_for_its_mistakes() -> None:
    html = (STATIC / "index.html").read_text(encoding="utf-8")
    keys = re.findall(r'data-key="(\w+)"', html)
    assert {*keys} == {*WRITE} - {"top_k", "top_p", "acrostic_at"}
    for key in keys:
        assert f'id="key-{key}-error"' in html
        assert f'for="key-{key}"' in html or f'<label class="choice"><input id="key-{key}"' in html


def test_the_page_names_no_address_outside() -> None:
    for path in STATIC.iterdir():
        addresses = re.findall(r"https?://[^\"' ]+|//[a-z]+\.[a-z]+", path.read_text(encoding="utf-8"))
        assert {*addresses} <= {"http://www.w3.org/2000/svg"}, path.name
