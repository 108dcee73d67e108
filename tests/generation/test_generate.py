import json
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from tang.config.scripts import CorpusPaths
from tang.data.batches import Batch
from tang.data.vocabulary import BOS, SPECIALS
from tang.errors import InputError
from tang.generation.generate import generate
from tang.generation.poem import FORMATS, Poem
from tang.generation.request import Request, request_class
from tang.tasks.language_model import LanguageModel
from tang.text.forms import hanzi
from tang.text.script import convert
from tests.conftest import CHARACTERS

SYMBOLS = [*SPECIALS, *"，。？！；", *sorted(set(CHARACTERS))]


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    torch.manual_seed(0)
    return LanguageModel(
        {"hidden_size": 16, "forget_bias": 1.0}, SYMBOLS, {"script": "simplified"}, form="五言绝句"
    ).eval()


def poems(model: LanguageModel, **keys: Any) -> list[Poem]:
    request = OmegaConf.to_object(OmegaConf.structured(request_class()(ckpt="unused", **keys)))
    assert isinstance(request, Request)
    return generate(model, request, request.active_constraints())


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"start": ["日", " "]}, "start= is empty"),
        ({"start": []}, "start= is empty"),
        ({"acrostic": [" "]}, "acrostic= is empty"),
        ({"rhyme": ""}, "rhyme= is empty"),
        ({"contains": []}, "contains= is empty"),
        ({"beam_size": 4}, "beam_size=4: has an effect with decode=beam, poem= and couplet= alone"),
        ({"decode": "beam", "temperature": 0.5}, "temperature=0.5: decode=beam draws nothing"),
        ({"decode": "greedy", "n": 3}, "n=3: decode=greedy writes the same poem each time"),
        ({"temperature": 0.0, "candidates": 3}, "candidates=3: temperature=0.0 writes the same poem each time"),
        ({"temperature": 0.0, "top_k": 3}, "top_k=3: temperature=0.0 draws nothing"),
        ({"data": CorpusPaths(dir="x")}, "data.dir=x: only no_copy reads the corpus"),
        ({"start": ["hello"]}, "'h' is not a Chinese character"),
        ({"start": ["日🌙"]}, "is not a Chinese character"),
        ({"start": ["日" * 22]}, "too long; 五言绝句 has 20 characters"),
        ({"acrostic_at": "last"}, "acrostic_at=last: .* give one"),
        ({"best": 2}, "best=2: only candidates=1 poems are written"),
        ({"decode": "greedy", "top_k": 3}, "top_k=3: decode=greedy draws nothing"),
        ({"decode": "beam", "top_p": 0.5}, "top_p=0.5: decode=beam draws nothing"),
        ({"decode": "beam", "candidates": 4}, "candidates=4: decode=beam writes the same poem each time"),
        ({"decode": "beam", "n": 9}, "n=9: a beam of beam_size=8"),
        ({"rhyme": "hello", "start": ["日"]}, "rhyme=hello: names no group; poems rhyme in 平, in 一东"),
        ({"rhyme": "东", "form": "七言绝句", "tones": "strict", "start": ["月a"]}, "'a' is not a Chinese character"),
        ({"tones": "true", "chars": 4, "lines": 4, "start": ["日"]}, "4×4 has no tone pattern"),
        ({"form": "五言绝句", "chars": 4}, "exclude each other"),
        ({"poem": ["日□"], "start": ["日"]}, "start= and poem= exclude each other"),
        ({"poem": []}, "poem= is empty"),
        ({"poem": ["日月山水风，日月山水风。" * 2]}, "poem=日月山水风，.*: has no gap; give □"),
        ({"poem": ["日□山水风，日月山水。"], "form": "五言绝句"}, "poem=日□山水风，日月山水。: .* after 9 characters"),
        ({"poem": ["日□□"], "temperature": 0.0}, "temperature=0: poem= draws characters; give decode=beam"),
        ({"poem": ["日□□"], "top_k": 3}, "top_k=3: has no effect with poem="),
        ({"poem": ["日□□"], "candidates": 3}, "candidates=3: poem= shows the best of many"),
        ({"poem": ["日□□"], "n": 9, "particles": 3, "beam_size": 5}, "n=9: particles=3 and a beam find at most 8"),
        ({"poem": ["日□□"], "couplet": ["日月山水风"]}, "poem= and couplet= exclude each other"),
        ({"couplet": ["日月山水"]}, "couplet=日月山水: give one line of 5 or 7 characters, couplet=海内存知己"),
        ({"couplet": ["日月，山水"]}, "couplet=日月，山水: give one line"),
        ({"couplet": ["日月山水风"], "form": "五言绝句"}, "form=五言绝句: couplet= has the form of its line"),
        ({"couplet": ["日月山水风"], "decode": "greedy"}, "decode=greedy: couplet= shows the best answers of many"),
        ({"couplet": ["日月山水风"], "rhyme": "true"}, "rhyme=true: 5×2 has too few lines to rhyme"),
        ({"particles": 8}, "particles=8: has an effect with poem= and couplet= alone"),
    ],
)
def test_a_request_that_contradicts_itself_is_refused(model: LanguageModel, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        poems(model, **keys)


def test_without_a_start_there_are_seven_poems_and_one_with_an_acrostic(model: LanguageModel) -> None:
    known = [character for character in "日红山夜湖海月" if character in SYMBOLS]
    assert [poem.start for poem in poems(model, start=known)] == known
    (poem,) = poems(model, acrostic=["".join(known[:3])])
    assert [line[0] for line in poem.lines[:3]] == known[:3]


def test_the_best_of_the_candidates_are_kept(model: LanguageModel) -> None:
    every = poems(model, start=["日", "月"], candidates=12, best=12)
    kept = poems(model, start=["日", "月"], candidates=12, best=2)
    assert [poem.start for poem in kept] == ["日", "日", "月", "月"]
    for start in "日月":
        scores = sorted((poem.score or 0.0 for poem in every if poem.start == start), reverse=True)
        assert [poem.score for poem in kept if poem.start == start] == scores[:2]
    assert {poem.text for poem in kept} < {poem.text for poem in poems(model, start=["日", "月"], n=12)}


def test_greedy_is_temperature_0(model: LanguageModel) -> None:
    assert poems(model, start=["日"], decode="greedy") == poems(model, start=["日"], temperature=0.0)


def test_a_poem_comes_in_either_script(model: LanguageModel) -> None:
    (simplified,) = poems(model, start=["云"], script="simplified")
    (traditional,) = poems(model, start=["雲"], script="traditional")
    assert traditional.text.replace("\n", "") == convert([simplified.text.replace("\n", "")], "traditional")[0]
    assert [hanzi(line) for line in traditional.lines] == traditional.lines
    assert traditional.lines[0][0] == "雲"


def test_a_traditional_model_is_left_as_it_is_and_takes_either_script() -> None:
    symbols = [*SPECIALS, *"，。？！；", *"日紅山夜湖海月干征里北斗"]
    torch.manual_seed(0)
    model = LanguageModel({"hidden_size": 16}, symbols, {"script": "traditional"}, form="五言绝句").eval()
    seven = poems(model)
    assert [poem.start for poem in seven] == [*"日红山夜湖海月"]
    assert seven[1].lines[0][0] == "紅"
    assert poems(model, script="traditional") == seven
    assert set("".join("".join(poem.lines) for poem in seven)) <= set(symbols)
    assert poems(model, script="simplified")[1].lines[0][0] == "红"


def test_every_format_has_every_line(model: LanguageModel) -> None:
    written = poems(model, start=["日", "月"], rhyme="true", tones="loose")
    for name, render in FORMATS.items():
        shown = render(written)
        assert all(line in shown for poem in written for line in poem.lines), name
        if name != "text":
            assert all((poem.pattern or "?") in shown and (poem.rhyme or "?") in shown for poem in written), name
    assert [poem["lines"] for poem in json.loads(FORMATS["json"](written))] == [poem.lines for poem in written]
    assert FORMATS["html"](written).count("<article>") == 2


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"start": ["日"]}, "日死月黄秋！东长暗别离。天白心低雪；黄别心北远。"),
        ({"start": ["日"], "seed": 2, "top_k": 9, "top_p": 0.9}, "日雪短日东；月日上西上；新新东东雪；上花远新雨？"),
        ({"start": ["山"], "rhyme": "true", "tones": "strict", "no_repeat": True},
         "山别河来近，红高北远明！月青秋雨水？云日地心生！"),
        ({"start": ["山"], "rhyme": "红", "tones": "loose", "contains": ["风雨"]},
         "山别风高近，风风雨远红！来红死雨远？云水春心东！"),
        ({"acrostic": ["春江花月"], "acrostic_at": "last"}, "春雨下雨春；山地生上江；花月东云花？青旧低下月！"),
        ({"start": ["日"], "decode": "beam", "no_repeat": True}, "日生去近近？夜月月心心！秋明明白河，花暗暗水离？"),
        ({"start": ["月"], "candidates": 8}, "月雪高日西？云春心短心！去高别地暗，白低下明近？"),
    ],
)  # fmt: skip
def test_a_seed_always_writes_the_same_poem(model: LanguageModel, keys: dict[str, Any], text: str) -> None:
    """As long as the sampler is what it is: who changes the poems of a seed says so in CHANGELOG.md."""
    (poem,) = poems(model, **keys)
    assert poem.text.replace("\n", "") == text


@pytest.fixture(scope="module")
def titled() -> LanguageModel:
    torch.manual_seed(0)
    config = {"hidden_size": 16, "echo_size": 4, "echo_to_head": True}
    return LanguageModel(config, SYMBOLS, {"script": "simplified", "titles": True}, form="五言绝句").eval()


@pytest.mark.parametrize("keys", [{}, {"decode": "beam", "beam_size": 2}, {"temperature": 0.0}])
def test_a_poem_follows_its_title(titled: LanguageModel, keys: dict[str, Any]) -> None:
    (poem,) = generate(titled, Request(title="春江花月夜（其二）", seed=1, **keys))
    assert (poem.title, poem.start, poem.form) == ("春江花月夜", "", "五言绝句")
    read = [poem.title, poem.text.replace("\n", "")]
    title, verse = map(titled.vocabulary.encode, read)
    batch = Batch.of(torch.tensor([[*title, BOS, *verse]]), 24)
    assert poem.log_likelihood == pytest.approx(-titled.nll(batch).sum().item(), rel=1e-4)
    (other,) = generate(titled, Request(start=[poem.lines[0][0]], seed=1, **keys))
    assert other.log_likelihood != pytest.approx(poem.log_likelihood, rel=1e-4)


def test_every_format_has_the_title(titled: LanguageModel) -> None:
    written = generate(titled, Request(title="春江", script="traditional"))
    assert FORMATS["text"](written).startswith("《春江》\n")
    assert json.loads(FORMATS["json"](written))[0]["title"] == "春江"
    assert "> 《春江》" in FORMATS["markdown"](written)
    assert "《春江》" in FORMATS["html"](written)


@pytest.mark.parametrize(
    ("title", "message"),
    [("spring", "give a few Chinese characters"), ("春" * 13, "at most 12 characters; shorten it")],
)
def test_a_title_that_cannot_be_is_refused(titled: LanguageModel, title: str, message: str) -> None:
    with pytest.raises(InputError, match=f"title={title}: .*{message}"):
        generate(titled, Request(title=title))


def test_a_model_that_knows_no_titles_takes_none(model: LanguageModel) -> None:
    with pytest.raises(InputError, match="title=春江: this model was trained without titles"):
        generate(model, Request(title="春江"))
