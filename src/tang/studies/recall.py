"""Delayed recall: name the first symbol of a sequence at its end.

::

    lag 4    3  7  1  1  5  ?  →  3

The ``lag`` symbols after the first are noise; at the question mark the network names the first. Hochreiter and
Schmidhuber 1997, Long Short-Term Memory, compared their network with others on tasks of this kind.
"""

from collections.abc import Iterator, Mapping

import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from torch import Tensor, nn

from tang.config.studies import FlowRecall
from tang.recurrent.stack import Recurrent
from tang.studies.architectures import Net, draw
from tang.studies.findings import finish_curves
from tang.studies.short_training import seeded, train
from tang.tables import markdown

GOOD = 0.9  # Accuracy at which a lag counts as learned


class Recall(nn.Module):
    """Reads symbols and names one at the end: ids (B, T) → logits (B, symbols)."""

    def __init__(self, task: FlowRecall, net: Net) -> None:
        super().__init__()
        self.embedding = nn.Embedding(task.symbols + 1, task.embedding_size)
        self.recurrent = Recurrent(task.embedding_size, task.hidden_size, cell=net.cell, forget_bias=net.forget_bias)
        self.head = nn.Linear(task.hidden_size, task.symbols)

    def forward(self, ids: Tensor) -> Tensor:
        logits: Tensor = self.head(self.recurrent(self.embedding(ids))[0][:, -1])
        return logits


def sequences(symbols: int, lag: int, count: int, random: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless batches: inputs (count, lag + 2), ids below ``symbols`` and the question at the end, and targets."""
    question = torch.full((count, 1), symbols)
    while True:
        shown = torch.randint(symbols, (count, 1 + lag), generator=random)
        yield torch.cat([shown, question], dim=1), shown[:, 0]


def accuracies(net: Net, seed: int, task: FlowRecall) -> Tensor:
    """Accuracy (lags,) on new sequences at each of ``task.lags``, which one network learns in their order."""
    with seeded(seed):
        recall = Recall(task, net)
    random = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(recall.parameters(), task.lr)
    results = []
    for lag in task.lags:
        batches = sequences(task.symbols, lag, task.batch_size, random)
        losses = (F.cross_entropy(recall(ids), targets) for ids, targets in batches)
        train(optimizer, losses, task.steps, task.clip)
        ids, targets = next(sequences(task.symbols, lag, 1000, random))
        with torch.no_grad():
            results.append((recall(ids).argmax(dim=1) == targets).double().mean().item())
    return torch.tensor(results)


def recall_table(recalled: Mapping[str, Tensor], lags: list[int]) -> str:
    """Table of median accuracies over seeds, from (seeds, lags), and the longest lag that was learned."""
    rows = []
    for name, runs in recalled.items():
        median = runs.quantile(0.5, dim=0)
        good = [lag for lag, share in zip(lags, median, strict=True) if share >= GOOD]
        at = {f"lag {lag}": f"{share:.1%}" for lag, share in zip(lags, median, strict=True)}
        rows.append({"net": name, **at, f"longest lag with {GOOD:.0%}": max(good, default="none")})
    return markdown(rows)


def recall_figure(recalled: Mapping[str, Tensor], lags: list[int], chance: float) -> Figure:
    """Accuracy against the lag."""
    figure = Figure(figsize=(7, 4.6), layout="constrained")
    ax = figure.subplots()
    for name, runs in recalled.items():
        draw(ax, name, torch.tensor(lags), runs, with_points=True)
    ax.axhline(chance, color="grey", linewidth=1)
    ax.annotate("chance", (lags[0], chance), xytext=(0, 3), textcoords="offset points", color="dimgrey")
    ax.set(xscale="log", xlabel="lag, steps of noise", ylabel="accuracy", ylim=(0, 1.06))
    ax.set_xticks(lags, labels=map(str, lags))
    ax.minorticks_off()
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    finish_curves(figure, columns=2)
    return figure
