import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tang.config.data import PoemsConfig
from tang.data.poems import PoemDataModule
from tang.data.split import Split
from tang.errors import InputError
from tang.evaluation.perplexity import PerplexityCard, measure_perplexity
from tang.evaluation.trigram import Trigram
from tang.tasks.language_model import LanguageModel
from tests.conftest import verse


def card_of(model: LanguageModel, split: Split, batch_size: int = 16, precision: str = "32-true") -> PerplexityCard:
    return measure_perplexity(model, model.data_module(batch_size=batch_size), split, precision)


def test_the_card_agrees_with_each_poem_alone(model: LanguageModel) -> None:
    card = card_of(model, "test", batch_size=16)
    poems = PoemDataModule(model.data).prepared.splits["test"]
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


def test_the_trigram_model_is_trained_on_the_training_split_and_tested_on_the_same_tokens(model: LanguageModel) -> None:
    card = card_of(model, "test")
    parts = PoemDataModule(model.data).prepared.splits
    trigram = Trigram.of(parts["train"], len(model.vocabulary))
    nll = torch.from_numpy(trigram.token_losses(parts["test"])[1])
    targets = torch.cat([torch.from_numpy(parts["test"][index][1:]) for index in range(card.poems)])
    assert len(nll) == card.tokens
    assert card.trigram_ppl == pytest.approx(nll.mean().exp().item())
    assert card.trigram_ppl_hanzi == pytest.approx(nll[model.is_hanzi[targets]].mean().exp().item())
    assert card.trigram_ppl < len(model.vocabulary) < card.ppl * 2  # it learnt, the model didn't


def test_the_batch_size_changes_nothing(model: LanguageModel) -> None:
    cards = [card_of(model, "val", batch_size=size) for size in (1, 5, 64)]
    for card in cards[1:]:
        assert card.ppl == pytest.approx(cards[0].ppl, rel=1e-6)
        assert card.ppl_hanzi == pytest.approx(cards[0].ppl_hanzi, rel=1e-6)
        assert card.padding_counted == pytest.approx(cards[0].padding_counted, rel=1e-6)


def test_the_corpus_may_have_moved_and_a_changed_one_is_reported(
    model: LanguageModel, poems_txt: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = card_of(model, "val")
    moved = poems_txt.rename(poems_txt.with_name("moved.txt"))
    with pytest.raises(InputError, match="no such file"):
        _ = model.data_module()
    data = model.data_module(path=str(moved))
    assert measure_perplexity(model, data, "val") == before
    assert not caplog.messages
    with moved.open("a", encoding="utf-8") as file:
        file.write(verse(1000) + "\n")
    _ = model.data_module(path=str(moved))
    assert "not what the model was trained on" in caplog.text


def test_precision_changes_little(model: LanguageModel) -> None:
    exact, lower = (card_of(model, "val", precision=precision) for precision in ("64-true", "bf16-mixed"))
    assert lower.ppl == pytest.approx(exact.ppl, rel=0.01)
    assert lower.ppl != exact.ppl


def test_the_card_reads_as_text_and_as_json(model: LanguageModel) -> None:
    card = card_of(model, "test")
    assert isinstance(card, PerplexityCard)
    assert json.loads(card.json(Path("a.ckpt")))["ppl"] == card.ppl
    assert json.loads(card.json(Path("a.ckpt"), quality=1))["quality"] == 1
    assert "not a perplexity" in card.text(Path("a.ckpt"))
    assert f"{card.trigram_ppl:.2f}" in card.text(Path("a.ckpt"))


def test_places_share_all_tokens_and_their_loss(model: LanguageModel) -> None:
    card = card_of(model, "test")
    assert sum(tokens for _, tokens in card.by_place.values()) == card.tokens
    nll = sum(tokens * math.log(ppl) for ppl, tokens in card.by_place.values())
    assert nll == pytest.approx(card.nll)
    assert card.by_place["marks"][1] == card.tokens_punctuation
    assert "ends of odd lines" in card.text(Path("a.ckpt"))


def test_a_model_of_titles_is_measured_with_and_without_them(poems_json: Path, tmp_path: Path) -> None:
    data = {"source": "text", "path": str(poems_json), "cache": str(tmp_path / "cache"), "titles": True}
    module = PoemDataModule(PoemsConfig(min_count=1, **data))  # type: ignore[arg-type]
    torch.manual_seed(0)
    model = LanguageModel({"hidden_size": 8}, module.prepared.vocabulary.symbols, data, module.source.fingerprint)
    card = measure_perplexity(model, model.data_module(batch_size=16), "test")
    assert card.ppl_titled is not None
    assert card.ppl_titled != card.ppl
    assert card.ppl_titled == pytest.approx(card.ppl, rel=0.2)
    assert card.tokens == module.prepared.splits["test"].lengths.sum()
    assert card.title_share is None, "all have the same"
    shared = replace(card, title_share=0.5)
    assert "50.0% likelier" in shared.text(Path("a.ckpt"))
