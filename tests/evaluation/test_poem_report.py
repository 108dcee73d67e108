"""``src/check.py`` as a user would type it."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from tang.data.batches import Batch
from tang.data.vocabulary import BOS, EOS
from tang.errors import InputError
from tang.evaluation.likelihood import add_copies, likelihood, with_likeliest
from tang.evaluation.poem_report import Copies, PoemReport, as_text, given_poems
from tang.prosody.critique import Critique, critique
from tang.tasks.language_model import LanguageModel
from tang.text.forms import hanzi
from tang.text.script import convert
from tests.commands import Script

NIGHT = "床前明月光，疑是地上霜。举头望明月，低头思故乡。"


def test_poems_in_a_file_have_blank_lines_between_them(tmp_path: Path) -> None:
    path = tmp_path / "诗,二.txt"
    path.write_text("\n床前明月光，\n疑是地上霜。\n \n\n白日依山尽，\n", encoding="utf-8")
    poems = given_poems(None, str(path))
    assert [poem.text for poem in poems] == ["床前明月光，疑是地上霜。", "白日依山尽，"]
    assert [poem.source for poem in poems] == [f"file={path}, poem 1", f"file={path}, poem 2"]


@pytest.mark.parametrize(
    ("poem", "file", "message"),
    [
        (None, None, "give poem=…, or file=…"),
        ("日", "x", "poem= and file= exclude each other"),
        (None, "nowhere.txt", "file=nowhere.txt: no such file"),
        (None, ".", "file=.: this is a folder"),
    ],
)
def test_a_request_without_a_poem_is_refused(poem: str | None, file: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        given_poems(poem, file)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n \n", encoding="utf-8")
    with pytest.raises(InputError, match=r"empty\.txt: is empty"):
        given_poems(None, str(tmp_path / "empty.txt"))


@torch.no_grad()
def test_the_likelihood_is_the_models_own(model: LanguageModel) -> None:
    poem = critique("日月山水风，花雪夜天地")
    found = likelihood(model, poem)
    ids = torch.tensor([[BOS, *model.vocabulary.encode("日月山水风，花雪夜天地。"), EOS]])
    log_p = model.network(ids[:, :-1])[0].log_softmax(-1).gather(-1, ids[:, 1:, None]).flatten()
    assert found.total == pytest.approx(log_p.sum().item(), rel=1e-5)
    assert found.log_p == pytest.approx([*log_p[:5].tolist(), *log_p[6:11].tolist()], rel=1e-5)
    assert found.per_character == pytest.approx(sum(found.log_p) / 10)
    assert found.unknown == []


@torch.no_grad()
def test_the_likeliest_others_are_those_of_the_same_pass(model: LanguageModel) -> None:
    poem, symbols = critique("日月山水风，花雪夜天地"), model.vocabulary.symbols
    found, others = with_likeliest(model, poem, 3)
    assert found.log_p == pytest.approx(likelihood(model, poem).log_p, rel=1e-5)
    ids = torch.tensor([[BOS, *model.vocabulary.encode("日月山水风，花雪夜天地。")]])
    p = model.network(ids)[0][0].softmax(-1)
    for place, own, of_place in zip((0, 6), "日花", (others[0], others[5]), strict=True):
        expected = sorted(
            ((p[place, id].item(), c) for id, c in enumerate(symbols) if hanzi(c) and c != own), reverse=True
        )
        assert [character for character, _ in of_place] == [character for _, character in expected[:3]]
        assert [share for _, share in of_place] == pytest.approx([share for share, _ in expected[:3]], rel=1e-5)


def test_gaps_count_in_no_sum(model: LanguageModel) -> None:
    whole = likelihood(model, critique("日月山水□，花雪夜天地"))
    assert whole.per_character == pytest.approx((sum(whole.log_p) - whole.log_p[4]) / 9)
    assert whole.unknown == []
    report = as_text([PoemReport(critique("日月山水□，花雪夜天地"), likelihood=whole)])
    assert "  囗      ？\n" in report


def test_a_model_reads_a_poem_as_it_was_trained(model: LanguageModel) -> None:
    written = likelihood(model, critique("风云长夜，新月"))
    assert likelihood(model, critique("風雲長夜，新月")) == written, "its script"
    data = {**model.hparams["data"], "punctuation": "drop"}
    unmarked = LanguageModel(model.hparams["model"], model.vocabulary.symbols, data)
    unmarked.load_state_dict(model.state_dict())
    found = likelihood(unmarked.eval(), critique("风云长夜，新月"))
    ids = torch.tensor([[BOS, *model.vocabulary.encode("风云长夜新月"), EOS]])
    nll = model.nll(Batch.of(ids, 7))
    assert found.total == pytest.approx(-nll.sum().item())


def test_characters_outside_the_vocabulary_are_named(model: LanguageModel) -> None:
    assert likelihood(model, critique("日龘月龘")).unknown == ["龘"]


def test_lines_and_spans_of_the_training_split_are_found(model: LanguageModel) -> None:
    data = model.data_module()

    def copies(poem: Critique) -> Copies | None:
        return add_copies([PoemReport(poem)], data)[0].copies

    poem = model.vocabulary.decode(data.prepared.splits["train"][0].tolist())
    found = critique(poem)
    numbers = list(range(1, len(found.lines) + 1))
    assert copies(found) == Copies(numbers, len(hanzi(poem)))
    (traditional,) = convert([poem], "traditional")
    assert copies(critique(traditional, "traditional")) == copies(found)
    lines = [line.text for line in found.lines]
    changed = copies(critique("，".join([lines[0][:-1], lines[1], "龘" * 5])))
    assert changed is not None
    assert changed.lines == [2]


@pytest.mark.slow
def test_prosody_as_text(script: Script) -> None:
    found = script("check", f"poem={NIGHT}")
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("五言绝句 (simplified script), not regular: slips\n")
    assert "3  举头望明月  仄平中平仄  中仄中平仄  头 should be 仄; 失粘\n" in found.stdout


@pytest.mark.slow
def test_a_file_of_poems_under_a_model_and_its_corpus_as_json(
    script: Script, small: Sequence[str], poems_txt: Path, tmp_path: Path
) -> None:
    assert script("train", *small, "trainer.max_steps=2").returncode == 0
    known = poems_txt.read_text(encoding="utf-8").splitlines()
    (tmp_path / "诗.txt").write_text(f"{NIGHT}\n\n" + "\n\n".join(known[:9]), encoding="utf-8")
    checked = script("check", "file=诗.txt", "ckpt=latest", "corpus=true", "format=json", "out=found.json")
    assert checked.returncode == 0, checked.stderr
    reports = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert [report["text"] for report in reports] == [NIGHT, *known[:9]]
    assert reports[0]["copies"]["lines"] == []
    assert "床" in reports[0]["likelihood"]["unknown"]
    assert sum(len(report["copies"]["lines"]) == len(report["lines"]) for report in reports) >= 5  # of 9, 90 %
    printed = script("check", f"poem={known[0]}", "ckpt=latest", "corpus=true").stdout
    assert "in the training split: " in printed
    assert "ln p: " in printed


@pytest.mark.slow
def test_a_corpus_is_looked_up_without_a_model(script: Script, poems_txt: Path) -> None:
    checked = script("check", f"poem={NIGHT}", "corpus=true", f"data.path={poems_txt}", "data.cache=cache")
    assert "in the training split: no line; longest span " in checked.stdout, checked.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give poem=…, or file=… with poems"),
        (["poem=hello 😀"], "poem=hello 😀: no Chinese characters"),
        (["file=a,b.txt"], "file=a,b.txt: no such file"),
        (["poem=日", "ckpt=nowhere"], "ckpt=nowhere: no such file"),
        (["poem=日", "format=html"], "format=html: must be one of text, json"),
        (["poem=日", "out=no/where"], "out=no/where: no folder no"),
    ],
)
def test_a_mistake_is_one_clear_line(called: Script, arguments: list[str], message: str) -> None:
    result = called("check", *arguments)
    assert result.returncode == 1
    assert result.stderr == f"error: {message}\n"
