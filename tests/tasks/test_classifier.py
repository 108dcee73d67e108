import math

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor

from tang.config.model import ClassifierConfig
from tang.corpus.names import LETTERS, Name
from tang.data.batches import BatchLoader, length_buckets
from tang.data.name_batches import NameBatch
from tang.data.vocabulary import PAD
from tang.errors import InputError
from tang.tasks.classifier import ACCURACIES, Classifier, Metrics
from tang.tasks.name_model import NameNetwork
from tang.tasks.report_cells import AlternatingLSTM

LANGUAGES = ["Czech", "Dutch", "Irish"]
NAMES = [Name("Novak", "Czech"), Name("de Vries", "Dutch"), Name("O'Neal", "Irish"), Name("Aa", "Dutch")]


def batch(*names: Name) -> NameBatch:
    return NameBatch.of(names, LANGUAGES)


@pytest.mark.parametrize("cell", ["lstm", "rnn", "gru", "rnn_report", "lstm_report"])
@pytest.mark.parametrize("embedding_size", [None, 5])
def test_what_follows_a_name_is_not_read(cell: str, embedding_size: int | None) -> None:
    torch.manual_seed(0)
    network = NameNetwork(len(LETTERS), 3, ClassifierConfig(embedding_size=embedding_size, hidden_size=6, cell=cell))
    together = batch(*NAMES)
    logits = network(together.inputs, together.lengths)
    for row, name in enumerate(NAMES):
        alone = batch(name)
        torch.testing.assert_close(network(alone.inputs, alone.lengths)[0], logits[row])
    logits.sum().backward()
    if embedding_size:
        assert network.embedding.weight.grad is not None
        assert (network.embedding.weight.grad[PAD] == 0).all()


def test_letters_are_one_hot_and_stay_so() -> None:
    embedding = NameNetwork(len(LETTERS), 3, ClassifierConfig()).embedding
    assert embedding.weight.shape == (58, 57)
    assert torch.equal(embedding(torch.tensor([PAD, 1, 57])), torch.stack([torch.zeros(57), *torch.eye(57)[[0, 56]]]))
    assert not embedding.weight.requires_grad


def test_accuracy_counts_names_and_balanced_accuracy_languages() -> None:
    metrics = Metrics(4)  # of which the last has no names
    targets = torch.tensor([0, 0, 0, 0, 0, 0, 1, 1, 2])
    guesses = torch.tensor([0, 0, 0, 0, 0, 1, 1, 2, 0])
    logits = torch.randn(9, 4) + 9 * F.one_hot(guesses, 4)
    for part in (slice(0, 2), slice(2, 9)):
        metrics.update(logits[part], targets[part])
    computed = metrics.compute()
    assert computed["accuracy"] == pytest.approx(6 / 9)
    assert computed["accuracy_balanced"] == pytest.approx((5 / 6 + 1 / 2 + 0) / 3)
    assert computed["loss"] == pytest.approx(F.cross_entropy(logits, targets).item())
    assert metrics.confusion.tolist() == [[5, 1, 0, 0], [0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    metrics.update(logits[:1], targets[:1])
    assert metrics.compute()["accuracy"] == 1, "each part begins anew"


def test_a_loss_that_is_no_number_makes_the_mean_none() -> None:
    metrics = Metrics(3)
    metrics.update(torch.tensor([[1.0, 0.0, 0.0], [math.nan, 0.0, 0.0]]), torch.tensor([0, 0]))
    assert metrics.compute()["loss"].isnan()


def test_the_reports_rnn_is_linear_and_reads_the_state_before_the_last_letter() -> None:
    network = NameNetwork(len(LETTERS), 3, ClassifierConfig(hidden_size=6, cell="rnn_report")).double()

    def logits(*names: str) -> Tensor:
        some = batch(*(Name(name, "Dutch") for name in names))
        found: Tensor = network(some.inputs, some.lengths)
        return found

    ab, cb, ad, cd = logits("ab", "cb", "ad", "cd")
    torch.testing.assert_close(ab - cb, ad - cd)
    abc, abd = logits("abc", "abd")
    head = network.head.weight[:, :57]
    torch.testing.assert_close(abc - abd, head[:, LETTERS.index("c")] - head[:, LETTERS.index("d")])


def test_the_reports_lstm_reads_each_letter_twice_on_one_state() -> None:
    network = NameNetwork(len(LETTERS), 3, ClassifierConfig(hidden_size=6, cell="lstm_report"))
    assert isinstance(network.recurrent, AlternatingLSTM)
    first, second = network.recurrent.cells
    letters = torch.eye(57)[[3, 5]]
    state = (torch.zeros(1, 6), torch.zeros(1, 6))
    for letter in letters:
        state = second(letter[None], first(letter[None], state))
    some = batch(Name("df", "Dutch"))
    torch.testing.assert_close(network(some.inputs, some.lengths), network.head(state[0]))


@pytest.mark.parametrize("settings", [{"num_layers": 2}, {"backend": "equations"}])
def test_the_reports_cells_are_as_they_are(settings: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"model\.cell=lstm_report: is fixed"):
        NameNetwork(57, 18, ClassifierConfig(cell="lstm_report", **settings))  # type: ignore[arg-type]


def test_the_checkpoint_holds_plain_data() -> None:
    model = Classifier({"hidden_size": 6}, LANGUAGES, LETTERS, {"dir": "names"})
    assert set(model.hparams) == set(Classifier.saved)


def test_a_metric_of_the_confusion_matrix_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ACCURACIES, "errors", lambda confusion: 1 - confusion.diag().sum() / confusion.sum())
    model = Classifier({"hidden_size": 6}, LANGUAGES, LETTERS, {})
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False)
    loader = BatchLoader(
        length_buckets(np.array([len(name.text) for name in NAMES]), 1, 0), lambda i: batch(NAMES[i[0]])
    )
    (metrics,) = trainer.test(model, loader, verbose=False)
    assert metrics["test/errors"] == pytest.approx(1 - metrics["test/accuracy"])
    assert model.key_metrics == (
        *(f"{split}/{name}" for split in ("val", "test") for name in ("accuracy", "accuracy_balanced", "errors")),
        "train/accuracy",
    )
