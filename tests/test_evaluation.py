import json
import math
from pathlib import Path

import pytest
import torch

from tang.data.poems import PoemDataModule
from tang.errors import InputError
from tang.evaluation import PerplexityCard, evaluate
from tang.tasks.language_model import LanguageModel
from tests.conftest import verse


@pytest.fixture
def model(poems_txt: Path, tmp_path: Path) -> LanguageModel:
    """An untrained model of the text corpus."""
    torch.manual_seed(0)
    data = {"source": "text", "path": str(poems_txt), "cache": str(tmp_path / "cache"), "min_count": 1}
    module = PoemDataModule(**data)  # type: ignore[arg-type]
    symbols = module.prepared.vocabulary.symbols
    return LanguageModel({"hidden_size": 8}, symbols, data, corpus=module.source.fingerprint)


def test_the_figures_are_those_of_each_poem_alone(model: LanguageModel) -> None:
    card = evaluate(model, "test", batch_size=16)
    poems = PoemDataModule(**model.data).prepared.parts["test"]
    nlls = []
    for index in range(len(poems)):
        ids = torch.from_numpy(poems[index].astype("int64"))[None]
        with torch.no_grad():
            log_p = model.network(ids[:, :-1])[0].log_softmax(-1)
        nlls.append(-log_p.gather(-1, ids[:, 1:, None]).flatten().double())
    tokens = torch.cat(nlls)
    assert card.poems == card.tokens_end == len(poems)
    assert card.tokens == len(tokens) == card.tokens_hanzi + card.tokens_punctuation + card.tokens_end
    assert card.ppl == pytest.approx(tokens.mean().exp().item(), rel=1e-5)
    assert card.nll == pytest.approx(tokens.sum().item(), rel=1e-5)
    padded = sum(nll[:100].sum().item() for nll in nlls) / (100 * len(poems))
    assert card.padding_counted == pytest.approx(math.exp(padded), rel=1e-5)
    assert card.padding_counted < card.ppl


def test_the_batch_size_changes_nothing(model: LanguageModel) -> None:
    cards = [evaluate(model, "val", batch_size=size) for size in (1, 5, 64)]
    for card in cards[1:]:
        assert card.ppl == pytest.approx(cards[0].ppl, rel=1e-6)
        assert card.ppl_hanzi == pytest.approx(cards[0].ppl_hanzi, rel=1e-6)
        assert card.padding_counted == pytest.approx(cards[0].padding_counted, rel=1e-6)


def test_the_corpus_may_have_moved_and_a_changed_one_is_told(
    model: LanguageModel, poems_txt: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = evaluate(model, "val", 16)
    moved = poems_txt.rename(poems_txt.with_name("moved.txt"))
    with pytest.raises(InputError, match="no such file"):
        evaluate(model, "val", 16)
    assert evaluate(model, "val", 16, places={"path": str(moved), "dir": None}) == before
    assert not caplog.messages
    with moved.open("a", encoding="utf-8") as file:
        file.write(verse(1000) + "\n")
    evaluate(model, "val", 16, places={"path": str(moved)})
    assert "not what the model was trained on" in caplog.text


def test_precision_changes_little(model: LanguageModel) -> None:
    exact, lower = (evaluate(model, "val", 16, precision) for precision in ("64-true", "bf16-mixed"))
    assert lower.ppl == pytest.approx(exact.ppl, rel=0.01)
    assert lower.ppl != exact.ppl


def test_the_card_reads_as_text_and_as_json(model: LanguageModel) -> None:
    card = evaluate(model, "test", 64)
    assert isinstance(card, PerplexityCard)
    assert json.loads(card.json(Path("a.ckpt")))["ppl"] == card.ppl
    assert "not a perplexity" in card.text(Path("a.ckpt"))
