"""How far back gradients reach: in language models of poems, and what a net can learn to recall."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from tang.data.batches import Batch
from tang.data.poems import PoemDataModule
from tang.errors import InputError
from tang.studies.architectures import NETS, Net, draw
from tang.studies.findings import Findings
from tang.studies.gradient_norms import Norms, gradient_norms
from tang.studies.recall import accuracies, recall_figure, recall_table
from tang.studies.short_training import character_losses, poem_data, seeded, tracked, train
from tang.tables import markdown
from tang.tasks.network import Network

STAGES = ("at initialization", "after training")

DISTANCES = (1, 2, 5, 10, 20, 30)
"""T − k in the tables."""

LABELS = {
    "hidden": r"$\|\partial L_T/\partial h_k\|$",
    "memory": r"$\|\partial L_T/\partial m_k\|$",
    "memories": r"$\|(\partial m_T/\partial m_k)^\top v\|$",
}

MEASURED = """\
## Gradients through poems

L_T is the loss of the prediction of character T = {characters} alone, in {poems} held-out poems at most. The states
of all steps are nodes of the graph: C_k is computed from the state before it, h_k from C_k. One backward pass from
L_T gives all ∂L_T/∂h_k, in which C_k is held, and all ∂L_T/∂C_k, in which h_k follows C_k. m is what a net remembers
with: C in an LSTM, h in the Elman net and the GRU. ∂m_T/∂m_k is taken along a random direction v of length 1. Norms
are means over the poems, relative to k = T; tables give the median over {seeds} seeds, figures its range too. The
half-life is that of an even decay from k = T to k = 1. Training: {steps} steps of Adam on the training poems."""

RECALLED = """\
## Delayed recall

The first of a sequence's symbols has to be named at its end, after a lag of so many steps of noise. There are
{symbols} symbols, so chance is {chance:.1%}. The lag grows in training: {steps} steps of Adam with each, from the first
in the table to the last, with the weights kept. After each the share of right answers to 1,000 fresh sequences is
taken. Median over {seeds} seeds."""


def study(
    *, data: Mapping[str, Any], language: Mapping[str, Any], recall: Mapping[str, Any], seeds: int, seed: int
) -> Findings:
    """Measure all nets on poems, before and after training, and on delayed recall.

    Args:
        data: arguments of :class:`~tang.data.poems.PoemDataModule`.
        language: arguments of :func:`through_poems`.
        recall: arguments of :func:`~tang.studies.recall.accuracies`.
        seeds: how many nets of each kind.
        seed: of the first; the others count on.

    Raises:
        InputError: the corpus is wrong, or its poems are too short.
    """
    module = poem_data(data)
    jobs = [(name, number) for name in NETS for number in range(seed, seed + seeds)]
    norms: dict[str, list[tuple[Norms, Norms]]] = {name: [] for name in NETS}
    for name, number in tracked(jobs, "language models"):
        norms[name].append(through_poems(NETS[name], number, module, **language))
    recalled: dict[str, list[list[float]]] = {name: [] for name in NETS}
    for name, number in tracked(jobs, "delayed recall"):
        recalled[name].append(accuracies(NETS[name], number, **recall))

    flows = {
        stage: {name: over_seeds([runs[place] for runs in norms[name]]) for name in NETS}
        for place, stage in enumerate(STAGES)
    }
    rights = {name: torch.tensor(runs) for name, runs in recalled.items()}
    chance = 1 / recall["symbols"]
    text = "\n\n".join(
        [
            MEASURED.format(seeds=seeds, **language),
            "‖∂L_T/∂h_k‖ by T − k:",
            flow_table(flows, "hidden"),
            "‖∂L_T/∂m_k‖ by T − k:",
            flow_table(flows, "memory"),
            "‖(∂m_T/∂m_k)ᵀ v‖ by T − k:",
            flow_table(flows, "memories"),
            RECALLED.format(seeds=seeds, chance=chance, **recall),
            recall_table(rights, recall["lags"]),
        ]
    )
    figures = {
        "gradient_flow": flow_figure(flows, ["hidden"]),
        "cell_flow": flow_figure(flows, ["memory", "memories"]),
        "recall": recall_figure(rights, recall["lags"], chance),
    }
    return Findings(text, figures)


def through_poems(
    net: Net,
    seed: int,
    module: PoemDataModule,
    *,
    hidden_size: int,
    steps: int,
    lr: float,
    clip: float,
    characters: int,
    poems: int,
) -> tuple[Norms, Norms]:
    """A language model's norms on held-out poems, at initialization and after training.

    Args:
        net: its kind.
        seed: of its weights and of the directions in :class:`Norms`.
        module: the poems.
        hidden_size: H, and the size of its embeddings.
        steps: of Adam, a batch each.
        lr, clip: Adam's rate, and the norm that gradients are cut to.
        characters: T.
        poems: how many are measured, cut after T characters.

    Raises:
        InputError: no held-out poem is so long.
    """
    batch = first_characters(module, characters, poems)
    with seeded(seed):
        network = Network(
            len(module.prepared.vocabulary), hidden_size=hidden_size, cell=net.cell, forget_bias=net.forget_bias
        )
    before = gradient_norms(network, batch, seed)
    optimizer = torch.optim.Adam(network.parameters(), lr)
    for _ in train(optimizer, character_losses(network, module.loader("train"), steps), clip):
        pass
    return before, gradient_norms(network, batch, seed)


def first_characters(module: PoemDataModule, characters: int, poems: int) -> Batch:
    """The first ``characters`` of up to so many held-out poems, all that long or longer; none is padded.

    Raises:
        InputError: there is none.
    """
    part = module.prepared.splits["val"]
    long_enough = [part[index][: characters + 1] for index in range(len(part)) if part.lengths[index] >= characters]
    if not long_enough:
        raise InputError(f"study.language.characters={characters}: no held-out poem is so long")
    ids = torch.from_numpy(np.stack(long_enough[:poems]))
    return Batch.of(ids, ids[:, 1:].numel())


def over_seeds(runs: list[Norms]) -> Norms:
    """All of them in one, (N, T)."""
    return Norms(*map(torch.stack, zip(*runs, strict=True)))


def relative(norms: Tensor) -> Tensor:
    """(N, T) from k = 1 to T → the same from T − k = 0 on, as shares of the first."""
    backwards = norms.flip(1)
    return backwards / backwards[:, :1]


def half_life(shares: Tensor) -> str:
    """Of an even decay from the first to the last of ``shares`` (T,)."""
    halvings = -torch.log2(shares[-1]).item()
    return f"{(len(shares) - 1) / halvings:.1f} steps" if halvings > 0 else "no decay"


def flow_table(flows: Mapping[str, Mapping[str, Norms]], quantity: str) -> str:
    """Medians over seeds of a field of :class:`Norms`."""
    rows = []
    for stage, nets in flows.items():
        for name, norms in nets.items():
            shares = relative(getattr(norms, quantity)).quantile(0.5, dim=0)
            at = {str(distance): f"{shares[distance]:.2g}" for distance in DISTANCES if distance < len(shares)}
            rows.append({"net": name, "": stage, **at, "half-life": half_life(shares)})
    return markdown(rows)


def flow_figure(flows: Mapping[str, Mapping[str, Norms]], quantities: list[str]) -> Figure:
    """A row for each of some fields of :class:`Norms`, a column for each stage."""
    figure = Figure(figsize=(10, 0.8 + 3.6 * len(quantities)), layout="constrained")
    grid = figure.subplots(len(quantities), len(STAGES), sharex=True, sharey="row", squeeze=False)
    for quantity, axes in zip(quantities, grid, strict=True):
        for ax, (stage, nets) in zip(axes, flows.items(), strict=True):
            for name, norms in nets.items():
                shares = relative(getattr(norms, quantity))
                draw(ax, name, torch.arange(shares.shape[1]), shares)
            ax.set(yscale="log", title=stage)
            ax.grid(alpha=0.3)
        axes[0].set_ylabel(f"{LABELS[quantity]}, relative to $k=T$")
    for ax in grid[-1]:
        ax.set_xlabel(r"$T-k$, characters back")
    if "memory" in quantities:
        figure.suptitle(r"$m$ is $C$ in the LSTM, $h$ in the Elman net and the GRU", fontsize="medium")
    figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=len(NETS), frameon=False)
    return figure
