import math
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from tang.config.data import PoemsConfig
from tang.config.model import LanguageModelConfig
from tang.config.train import SamplesConfig
from tang.data.batches import Batch, PoemLoader
from tang.data.poems import PoemDataModule
from tang.data.sequences import Sequences
from tang.data.vocabulary import BOS, PAD, SPECIALS, UNK
from tang.generation.generate import generate
from tang.generation.request import Request
from tang.tasks.language_model import LanguageModel
from tang.tasks.poem_model import PERPLEXITIES
from tang.text.forms import PUNCTUATION, shape_of
from tang.training.callbacks.samples import sample_request
from tests.conftest import verse
from tests.data.test_batches import sequences


@pytest.fixture
def model() -> LanguageModel:
    torch.manual_seed(0)
    symbols = [*SPECIALS, "，", "。", "日", "月", *(chr(0x4E00 + i) for i in range(32))]
    return LanguageModel({"hidden_size": 8, "dropout": 0}, symbols, {})


def test_padding_is_never_counted(model: LanguageModel) -> None:
    ids = torch.randint(4, 40, (3, 9))
    plain = Batch(ids[:, :-1], ids[:, 1:], 24)
    tail = torch.full((3, 4), PAD)
    padded = Batch(torch.cat([plain.inputs, tail], 1), torch.cat([plain.targets, tail], 1), 24)
    torch.testing.assert_close(model.nll(padded)[:, :8], model.nll(plain))
    assert (model.nll(padded)[:, 8:] == 0).all()


def test_perplexity_is_exp_of_the_mean_over_all_tokens(model: LanguageModel) -> None:
    # Batches of very unequal size: a mean of batch values would be another number.
    poems = sequences([3, 3, 3, 5, 5, 30, 31])
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False)
    metrics = [trainer.validate(model, PoemLoader(poems, size), verbose=False)[0] for size in (1, 2, 7)]
    nll, hanzi_nll = [], []
    with torch.no_grad():
        for batch in PoemLoader(poems, 1):
            values = model.nll(batch)[0].tolist()
            nll += values
            is_hanzi = [id == UNK or id >= 6 for id in batch.targets[0].tolist()]
            hanzi_nll += [value for value, counts in zip(values, is_hanzi, strict=True) if counts]
    assert len(nll) == 80
    assert len(hanzi_nll) == 73, "all but the seven ends"
    for metric in metrics:
        assert metric["val/loss"] == pytest.approx(sum(nll) / 80, rel=1e-5)
        assert metric["val/ppl"] == pytest.approx(math.exp(sum(nll) / 80), rel=1e-5)
        assert metric["val/ppl_hanzi"] == pytest.approx(math.exp(sum(hanzi_nll) / 73), rel=1e-5)


def test_hanzi_are_the_characters_and_the_unknown(model: LanguageModel) -> None:
    assert model.is_hanzi.tolist() == [False, True, False, False, False, False] + [True] * 34


def test_the_checkpoint_holds_plain_data(model: LanguageModel) -> None:
    assert set(model.hparams) == {"model", "vocabulary", "data", "corpus", "form"}


def test_a_perplexity_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PERPLEXITIES, "ppl_marks", lambda symbol: symbol in PUNCTUATION)
    torch.manual_seed(0)
    model = LanguageModel({"hidden_size": 8, "dropout": 0}, [*SPECIALS, *"，。日月山水风花雪夜"], {})
    loader = PoemLoader(Sequences(np.array([2, 6, 4, 7, 7, 5, 3]), np.array([0, 7])), 1)
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False)
    (metrics,) = trainer.validate(model, loader, verbose=False)
    with torch.no_grad():
        (batch,) = loader
        marks = model.nll(batch)[0, [1, 4]]
    assert metrics["val/ppl_marks"] == pytest.approx(marks.mean().exp().item())
    assert list(metrics) == ["val/loss", "val/ppl", "val/ppl_hanzi", "val/ppl_marks"]
    assert {"val/ppl_marks", "test/ppl_marks"} < set(model.key_metrics)
    assert model.key_metrics[0] == "val/ppl"


@pytest.mark.parametrize(
    ("poems", "form"),
    [
        ([verse(seed, 5, 2) for seed in range(200)], "5×2"),
        ([verse(seed, 7, 2) for seed in range(200)], "7×2"),
        ([verse(seed, 6, 4) for seed in range(200)], "6×4"),
        ([verse(seed, 7, 2 + 2 * (seed % 5 == 0)) for seed in range(200)], "7×2"),
        ([verse(seed, 3, 1)[:3] + verse(seed, 5, 3)[5:] + verse(seed, 7, 1) for seed in range(200)], "3-5-5-7"),
    ],
)
def test_the_form_is_the_commonest_of_the_training_poems(tmp_path: Path, poems: list[str], form: str) -> None:
    path = tmp_path / "诗.txt"
    path.write_text("\n\n".join(poems), encoding="utf-8")
    data = PoemDataModule(PoemsConfig(source="text", path=str(path), cache=str(tmp_path / "cache"), min_count=1))
    model = LanguageModel.from_data(data, LanguageModelConfig(hidden_size=8))
    assert str(model.form) == form
    (poem,) = generate(model, Request(start=None, n=1))[:1]
    assert str(shape_of(poem.text.replace("\n", ""))) == poem.form == form
    assert sample_request(SamplesConfig(), model, 1).form == form


def test_the_head_begins_with_the_frequencies_of_characters(tmp_path: Path) -> None:
    path = tmp_path / "诗.txt"
    path.write_text("\n\n".join(verse(seed, 5, 2) for seed in range(200)), encoding="utf-8")
    data = PoemDataModule(PoemsConfig(source="text", path=str(path), cache=str(tmp_path / "cache"), min_count=1))
    model = LanguageModel.from_data(data, LanguageModelConfig(hidden_size=8, unigram_bias=True))
    share = model.network.head.bias.detach().exp()
    targets = torch.cat([batch.targets.flatten() for batch in data.train_dataloader()])
    targets = targets[targets != PAD]
    assert share.sum() == pytest.approx(1)
    for symbol in ("，", "。", "<eos>"):
        id = model.vocabulary.ids[symbol]
        assert share[id] == pytest.approx((targets == id).float().mean().item(), rel=0.05)
    assert share[BOS] == share[PAD] == share.min()


def test_training_adds_penalties_that_no_padding_changes(model: LanguageModel) -> None:
    torch.manual_seed(1)
    ids = torch.randint(4, 40, (3, 9))
    batch = Batch(ids[:, :-1], ids[:, 1:], 24)
    tail = torch.full((3, 4), PAD)
    padded = Batch(torch.cat([batch.inputs, tail], 1), torch.cat([batch.targets, tail], 1), 24)
    assert model.loss(batch)[1] == 0
    hidden = model.network.read(batch.inputs).hidden
    expected = {
        "activation_penalty": hidden.square().mean(),
        "temporal_penalty": hidden.diff(dim=0).square().mean() * 7 / 8,
    }
    for name, value in expected.items():
        setattr(model.network, name, 3.0)
        for given in (batch, padded):
            loss, penalty = model.loss(given)
            torch.testing.assert_close(penalty, 3 * value)
            torch.testing.assert_close(loss, model.nll(batch).mean())
        setattr(model.network, name, 0.0)
