"""Delayed recall: name at the end the symbol that stood at the beginning.

::

    lag 4    3  7  1  1  5  ?  →  3

The first symbol is what counts, the next ``lag`` ones are noise drawn from the same symbols, and at
the question mark the first has to be named. A task of this kind is where Hochreiter and
Schmidhuber 1997, Long Short-Term Memory, compared their net with others.
"""

from collections.abc import Iterator, Mapping
from itertools import islice

import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from torch import Tensor, nn

from tang.recurrent.stack import Recurrent
from tang.studies.architectures import Net, draw
from tang.studies.short_training import seeded, train
from tang.tables import markdown

GOOD = 0.9
"""Of a recall's answers."""


class Recall(nn.Module):
    """A net that reads symbols and, at the end of a sequence, names one.

    Args:
        symbols: how many there are.
        embedding_size: E.
        hidden_size: H.
        cell, forget_bias: of the :class:`~tang.recurrent.stack.Recurrent` stack.
    """

    def __init__(self, symbols: int, embedding_size: int, hidden_size: int, cell: str, forget_bias: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols + 1, embedding_size)
        self.recurrent = Recurrent(embedding_size, hidden_size, cell=cell, forget_bias=forget_bias)
        self.head = nn.Linear(hidden_size, symbols)

    def forward(self, ids: Tensor) -> Tensor:
        """(B, T) → the logits (B, symbols) of the answer."""
        outputs, _ = self.recurrent(self.embedding(ids))
        logits: Tensor = self.head(outputs[:, -1])
        return logits


def sequences(symbols: int, lag: int, count: int, random: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches without end: inputs (count, lag + 2), ids below ``symbols`` and at last the question, and targets."""
    question = torch.full((count, 1), symbols)
    while True:
        shown = torch.randint(symbols, (count, 1 + lag), generator=random)
        yield torch.cat([shown, question], dim=1), shown[:, 0]


def accuracies(
    net: Net,
    seed: int,
    *,
    lags: list[int],
    symbols: int,
    embedding_size: int,
    hidden_size: int,
    steps: int,
    batch_size: int,
    lr: float,
    clip: float,
) -> list[float]:
    """The share of fresh sequences answered rightly at each lag, after ``steps`` steps of Adam with that lag.

    One net goes through all lags in their order and keeps its weights.
    """
    with seeded(seed):
        recall = Recall(symbols, embedding_size, hidden_size, net.cell, net.forget_bias)
    random = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(recall.parameters(), lr)
    results = []
    for lag in lags:
        batches = islice(sequences(symbols, lag, batch_size, random), steps)
        for _ in train(optimizer, (F.cross_entropy(recall(ids), targets) for ids, targets in batches), clip):
            pass
        results.append(accuracy(recall, *next(sequences(symbols, lag, 1000, random))))
    return results


@torch.no_grad()
def accuracy(recall: Recall, ids: Tensor, targets: Tensor) -> float:
    """The share of right answers."""
    right: Tensor = recall(ids).argmax(dim=1) == targets
    return right.double().mean().item()


def recall_table(rights: Mapping[str, Tensor], lags: list[int]) -> str:
    """Medians over seeds (N, lags), and how far recall is good."""
    rows = []
    for name, runs in rights.items():
        median = runs.quantile(0.5, dim=0)
        good = [lag for lag, share in zip(lags, median, strict=True) if share >= GOOD]
        at = {f"lag {lag}": f"{share:.1%}" for lag, share in zip(lags, median, strict=True)}
        rows.append({"net": name, **at, f"longest lag with {GOOD:.0%}": max(good, default="none")})
    return markdown(rows)


def recall_figure(rights: Mapping[str, Tensor], lags: list[int], chance: float) -> Figure:
    """Right answers against the lag."""
    figure = Figure(figsize=(7, 4.6), layout="constrained")
    ax = figure.subplots()
    for name, runs in rights.items():
        draw(ax, name, torch.tensor(lags), runs)
    ax.axhline(chance, color="grey", linewidth=1)
    ax.annotate("chance", (lags[0], chance), xytext=(0, 3), textcoords="offset points", color="dimgrey")
    ax.set(xscale="log", xlabel="lag, steps of noise", ylabel="right answers", ylim=(0, 1.03))
    ax.set_xticks(lags, labels=map(str, lags), minor=False)
    ax.minorticks_off()
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure
