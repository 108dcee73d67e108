"""How far back gradients reach: in language models of poems, and in what a network can learn to recall."""

from collections.abc import Mapping

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from tang.config.studies import Flow, FlowLanguage
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

DISTANCES = (1, 2, 5, 10, 20, 30)  # T − k in the tables

LABELS = {
    "hidden": r"$\|\partial L_T/\partial h_k\|$",
    "memory": r"$\|\partial L_T/\partial m_k\|$",
    "memories": r"$\|(\partial m_T/\partial m_k)^\top v\|$",
}

POEMS_TEXT = """\
## Gradients through poems

L_T is the loss of the prediction of character T = {characters} alone, in {poems} held-out poems at most. The states
of all steps are nodes of the graph: C_k is computed from the state before it, h_k from C_k. One backward pass from
L_T gives all ∂L_T/∂h_k, in which C_k is held constant, and all ∂L_T/∂C_k, in which h_k follows C_k. m is the memory of
a network: C in an LSTM, h in the Elman net and the GRU. ∂m_T/∂m_k is taken along a random direction v of length 1.
Norms are means over the poems, relative to k = T; tables give the median over {seeds} seeds, figures the range too. The
half-life is that of a constant decay from k = T to k = 1. Training: {steps} steps of Adam on the training poems."""

RECALL_TEXT = """\
## Delayed recall

The first symbol of a sequence has to be named at its end, after a lag of so many steps of noise. There are
{symbols} symbols, so chance is {chance:.1%}. The lag grows during training: {steps} steps of Adam with each lag, from
the first in the table to the last, without resetting the weights. Accuracy is measured after each lag on 1,000 new
sequences. Median over {seeds} seeds."""


def study(options: Flow, seed: int) -> Findings:
    """Measure every network on poems, before and after training, and on delayed recall, from ``seed`` on.

    Raises:
        InputError: the corpus is wrong, or its poems are too short.
    """
    module, recall = poem_data(options.data), options.recall
    jobs = [(name, number) for name in NETS for number in range(seed, seed + options.seeds)]
    norms: dict[str, list[tuple[Norms, Norms]]] = {name: [] for name in NETS}
    for name, number in tracked(jobs, "language models"):
        norms[name].append(through_poems(NETS[name], number, module, options.language))
    lists: dict[str, list[list[float]]] = {name: [] for name in NETS}
    for name, number in tracked(jobs, "delayed recall"):
        lists[name].append(accuracies(NETS[name], number, recall))

    flows = {
        stage: {name: Norms(*map(torch.stack, zip(*(run[index] for run in norms[name]), strict=True))) for name in NETS}
        for index, stage in enumerate(STAGES)
    }
    recalled = {name: torch.tensor(runs) for name, runs in lists.items()}
    chance = 1 / recall.symbols
    text = "\n\n".join(
        [
            POEMS_TEXT.format(seeds=options.seeds, **vars(options.language)),
            "‖∂L_T/∂h_k‖ by T − k:",
            flow_table(flows, "hidden"),
            "‖∂L_T/∂m_k‖ by T − k:",
            flow_table(flows, "memory"),
            "‖(∂m_T/∂m_k)ᵀ v‖ by T − k:",
            flow_table(flows, "memories"),
            RECALL_TEXT.format(seeds=options.seeds, chance=chance, **vars(recall)),
            recall_table(recalled, recall.lags),
        ]
    )
    figures = {
        "gradient_flow": flow_figure(flows, ["hidden"]),
        "cell_flow": flow_figure(flows, ["memory", "memories"]),
        "recall": recall_figure(recalled, recall.lags, chance),
    }
    return Findings(text, figures)


def through_poems(net: Net, seed: int, module: PoemDataModule, language: FlowLanguage) -> tuple[Norms, Norms]:
    """Gradient norms of a language model on held-out poems, at initialization and after training.

    Raises:
        InputError: no held-out poem has ``language.characters`` characters.
    """
    batch = first_characters(module, language.characters, language.poems)
    with seeded(seed):
        size, vocabulary = language.hidden_size, module.prepared.vocabulary
        network = Network(len(vocabulary), hidden_size=size, cell=net.cell, forget_bias=net.forget_bias)
    before = gradient_norms(network, batch, seed)
    optimizer = torch.optim.Adam(network.parameters(), language.lr)
    for _ in train(optimizer, character_losses(network, module.loader("train"), language.steps), language.clip):
        pass
    return before, gradient_norms(network, batch, seed)


def first_characters(module: PoemDataModule, characters: int, poems: int) -> Batch:
    """The first ``characters`` of up to ``poems`` held-out poems that are at least that long, without padding.

    Raises:
        InputError: there is no such poem.
    """
    held_out = module.prepared.splits["val"]
    rows = [held_out[i][: characters + 1] for i in range(len(held_out)) if held_out.lengths[i] >= characters]
    if not rows:
        raise InputError(f"study.language.characters={characters}: no held-out poem is so long")
    ids = torch.from_numpy(np.stack(rows[:poems]))
    return Batch.of(ids, ids[:, 1:].numel())


def relative(norms: Tensor) -> Tensor:
    """Norms (N, T) from k = 1 to T → (N, T) from T − k = 0 on, divided by the first."""
    backwards = norms.flip(1)
    return backwards / backwards[:, :1]


def half_life(shares: Tensor) -> str:
    """Half-life of the constant decay that leads from the first to the last of ``shares`` (T,)."""
    halvings = -torch.log2(shares[-1]).item()
    return f"{(len(shares) - 1) / halvings:.1f} steps" if halvings > 0 else "no decay"


def flow_table(flows: Mapping[str, Mapping[str, Norms]], quantity: str) -> str:
    """Table of medians over seeds of ``quantity``, a field of :class:`Norms`."""
    rows = []
    for stage, nets in flows.items():
        for name, norms in nets.items():
            shares = relative(getattr(norms, quantity)).quantile(0.5, dim=0)
            at = {str(distance): f"{shares[distance]:.2g}" for distance in DISTANCES if distance < len(shares)}
            rows.append({"net": name, "": stage, **at, "half-life": half_life(shares)})
    return markdown(rows)


def flow_figure(flows: Mapping[str, Mapping[str, Norms]], quantities: list[str]) -> Figure:
    """Curves of some fields of :class:`Norms`, a row for each, and a column for each stage."""
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
