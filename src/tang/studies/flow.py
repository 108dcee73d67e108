"""How far back gradients reach: in language models of poems, and in what a network can learn to recall."""

import copy
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor

from tang.config.model import LanguageModelConfig
from tang.config.studies import Flow, FlowLanguage
from tang.data.batches import Batch
from tang.data.poems import PoemDataModule
from tang.errors import InputError
from tang.studies.architectures import NETS, Net, draw, measured
from tang.studies.findings import Findings, finish_curves
from tang.studies.recall import accuracies, recall_figure, recall_table
from tang.studies.short_training import character_losses, seeded, train
from tang.tables import markdown
from tang.tasks.network import Network

STAGES = ("at initialization", "after training")

QUANTITIES = {
    "‖∂L_T/∂h_k‖": r"$\|\partial L_T/\partial h_k\|$",
    "‖∂L_T/∂m_k‖": r"$\|\partial L_T/\partial m_k\|$",
    "‖(∂m_T/∂m_k)ᵀ v‖": r"$\|(\partial m_T/\partial m_k)^\top v\|$",
}
"""Norms, as tables → as figures write them; m is C in an LSTM, h in other cells, v a random direction of length 1."""

DISTANCES = (1, 2, 5, 10, 20, 30)  # T − k in the tables

POEMS_TEXT = """\
## Gradients through poems

L_T is the loss of character T = {characters} alone, in at most {poems} held-out poems. m is the memory: C in an LSTM, h
in the Elman net and the GRU. In an LSTM, ∂L_T/∂h_k holds C_k constant, while in ∂L_T/∂C_k h_k follows C_k. ∂m_T/∂m_k is
taken along a random direction v of length 1. Norms are means over the poems, relative to k = T; tables give the median
over {seeds} seeds, figures the range too. The half-life is that of a constant decay from k = T to k = 1. Training:
{steps} steps of Adam."""

RECALL_TEXT = """\
## Delayed recall

The first symbol of a sequence has to be named after a lag of so many steps of noise. There are {symbols} symbols, so
chance is {chance:.1%}. The lag grows: {steps} steps of Adam with each, without resetting the weights, then
accuracy on 1,000 new sequences. The table has the median over {seeds} seeds."""


def study(options: Flow, seed: int) -> Findings:
    """Measure every network on poems, before and after training, and on delayed recall, from ``seed`` on."""
    recall, seeds, chance = options.recall, range(seed, seed + options.seeds), 1 / options.recall.symbols
    on_poems = partial(through_poems, module=PoemDataModule(options.data), language=options.language)
    flows = measured(on_poems, seeds, "language models")
    recalled = measured(partial(accuracies, task=recall), seeds, "delayed recall")

    parts = [POEMS_TEXT.format(seeds=options.seeds, **vars(options.language))]
    for number, quantity in enumerate(QUANTITIES):
        parts += [f"{quantity} by T − k:", flow_table(flows, number)]
    parts.append(RECALL_TEXT.format(seeds=options.seeds, chance=chance, **vars(recall)))
    parts.append(recall_table(recalled, recall.lags))
    figures = {"gradient_flow": flow_figure(flows, [0]), "cell_flow": flow_figure(flows, [1, 2])}
    return Findings("\n\n".join(parts), figures | {"recall": recall_figure(recalled, recall.lags, chance)})


def through_poems(net: Net, seed: int, module: PoemDataModule, language: FlowLanguage) -> Tensor:
    """A language model's relative gradient norms on held-out poems: (stages, quantities, T)."""
    batch = first_characters(module, language.characters, language.poems)
    with seeded(seed):
        config = LanguageModelConfig(hidden_size=language.hidden_size, dropout=0)
        config.cell, config.forget_bias = net.cell, net.forget_bias
        network = Network(len(module.prepared.vocabulary), config)
    before = gradient_norms(network, batch, seed)
    optimizer = torch.optim.Adam(network.parameters(), language.lr)
    train(optimizer, character_losses(network, module.loader("train")), language.steps, language.clip)
    after = gradient_norms(network, batch, seed)
    return relative(torch.stack([before, after]))


def first_characters(module: PoemDataModule, characters: int, poems: int) -> Batch:
    """The first ``characters`` of up to ``poems`` held-out poems at least that long; an InputError if there is none."""
    held_out = module.prepared.splits["val"]
    rows = [held_out[i][: characters + 1] for i in np.flatnonzero(held_out.lengths >= characters).tolist()]
    if not rows:
        raise InputError(f"study.language.characters={characters}: no held-out poem is so long")
    ids = torch.from_numpy(np.stack(rows[:poems]))
    return Batch.of(ids, ids[:, 1:].numel())


def gradient_norms(network: Network, batch: Batch, seed: int) -> Tensor:
    """Norms for the steps k = 1 … T of a network of one layer, means over poems of one length T: (quantities, T)."""
    network = copy.deepcopy(network).double()  # some norms are very small
    states = network.initial_state(len(batch.inputs))
    hidden, memory = [], []
    for symbols in batch.inputs.T:
        logits, states = network.step(symbols, states)
        hidden.append(states[0][0])
        memory.append(states[0][-1])
    loss = F.cross_entropy(logits, batch.targets[:, -1], reduction="sum")
    direction = F.normalize(torch.randn(memory[-1].shape, generator=torch.Generator().manual_seed(seed)))
    along = (memory[-1] * direction.double()).sum()
    norms = []
    for result, nodes in ((loss, hidden), (loss, memory), (along, memory)):  # one backward pass for all steps
        gradients = torch.stack(torch.autograd.grad(result, nodes, retain_graph=True))
        norms.append(torch.linalg.vector_norm(gradients, dim=2).mean(dim=1))
    return torch.stack(norms)


def relative(norms: Tensor) -> Tensor:
    """Norms (…, T) from k = 1 to T → (…, T) from T − k = 0 on, divided by the first."""
    backwards = norms.flip(-1)
    return backwards / backwards[..., :1]


def half_life(shares: Tensor) -> str:
    """Half-life of the constant decay that leads from the first to the last of ``shares`` (T,)."""
    halvings = -torch.log2(shares[-1]).item()
    return f"{(len(shares) - 1) / halvings:.1f} steps" if halvings > 0 else "no decay"


def flow_table(flows: Mapping[str, Tensor], quantity: int) -> str:
    """Table of a quantity's medians over seeds; ``flows`` are name → (seeds, stages, quantities, T)."""
    rows = []
    for (stage, title), (name, norms) in product(enumerate(STAGES), flows.items()):
        shares = norms[:, stage, quantity].quantile(0.5, dim=0)
        at = {str(distance): f"{shares[distance]:.2g}" for distance in DISTANCES if distance < len(shares)}
        rows.append({"net": name, "": title, **at, "half-life": half_life(shares)})
    return markdown(rows)


def flow_figure(flows: Mapping[str, Tensor], quantities: Sequence[int]) -> Figure:
    """Curves of some quantities, a row for each, and a column for each stage."""
    labels = list(QUANTITIES.values())
    figure = Figure(figsize=(10, 0.8 + 3.6 * len(quantities)), layout="constrained")
    grid = figure.subplots(len(quantities), len(STAGES), sharex=True, sharey="row", squeeze=False)
    for (row, stage), ax in np.ndenumerate(grid):
        for name, norms in flows.items():
            draw(ax, name, torch.arange(norms.shape[-1]), norms[:, stage, quantities[row]])
        ax.set(yscale="log", title=STAGES[stage], xlabel=r"$T-k$, characters back")
        ax.set_ylabel(f"{labels[quantities[row]]}, relative to $k=T$")
    if len(quantities) > 1:
        figure.suptitle(r"$m$ is $C$ in the LSTM, $h$ in the Elman net and the GRU", fontsize="medium")
    finish_curves(figure, columns=len(NETS))
    return figure
