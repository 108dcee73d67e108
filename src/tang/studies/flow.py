"""How far back gradients reach: in language models of poems, and in what a network can learn to recall."""

import copy
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from tang.config.model import LanguageModelConfig
from tang.config.studies import Flow, FlowLanguage
from tang.data.batches import Batch
from tang.data.poems import PoemDataModule
from tang.data.vocabulary import Vocabulary
from tang.errors import InputError
from tang.studies.architectures import NETS, Net, draw, measured
from tang.studies.findings import Findings, finish_curves
from tang.studies.recall import accuracies, recall_figure, recall_table
from tang.studies.short_training import character_losses, seeded, train
from tang.tables import markdown
from tang.tasks.network import Network

STAGES = ("at initialization", "after training")


class Quantity(NamedTuple):
    """A norm that is followed back through time, as tables and figures write it."""

    text: str
    formula: str
    words: str


HIDDEN = Quantity("‖∂L_T/∂h_k‖", r"$\|\partial L_T/\partial h_k\|$", "From the last loss back to hidden states")
MEMORY = Quantity("‖∂L_T/∂C_k‖", r"$\|\partial L_T/\partial C_k\|$", "From the last loss back to cells")
ALONG = Quantity(
    "‖(∂C_T/∂C_k)ᵀ v‖", r"$\|(\partial C_T/\partial C_k)^\top v\|$", "From the last cell back to earlier ones"
)
QUANTITIES = (HIDDEN, MEMORY, ALONG)
"""C is the cell of an LSTM and h in other nets, v a random direction of length 1."""

DISTANCES = (1, 2, 5, 10, 20, 30)  # T − k in the tables

POEMS_TEXT = """\
## Gradients through poems

L_T is the loss of character T = {characters} alone, in at most {poems} held-out poems. The Elman net and the GRU have
no cell C; their h is taken for it. In an LSTM, ∂L_T/∂h_k holds C_k constant, while in ∂L_T/∂C_k h_k follows C_k.
∂C_T/∂C_k is taken along a random direction v of length 1. Norms are means over the poems, relative to k = T; tables
give the median over {seeds} seeds, figures the range too. The half-life is that of a constant decay from k = T to
k = 1. Training: {steps} steps of Adam."""

RECALL_TEXT = """\
## Delayed recall

The first symbol of a sequence has to be named after a lag of so many steps of noise. There are {symbols} symbols, so
chance is {chance:.1%}. The lag grows: {steps} steps of Adam with each, without resetting the weights, then
accuracy on 1,000 new sequences. The table has the median over {seeds} seeds."""


def study(options: Flow, seed: int) -> Findings:
    """Measure every network on poems, before and after training, and on delayed recall, from ``seed`` on."""
    recall, seeds, chance = options.recall, range(seed, seed + options.seeds), 1 / options.recall.symbols
    module = PoemDataModule(options.data)
    on_poems = partial(through_poems, module=module, language=options.language)
    flows = measured(on_poems, seeds, "language models")
    recalled = measured(partial(accuracies, task=recall), seeds, "delayed recall")

    parts = [POEMS_TEXT.format(seeds=options.seeds, **vars(options.language))]
    for number, quantity in enumerate(QUANTITIES):
        parts += [f"{quantity.text} by T − k:", flow_table(flows, number)]
    parts.append(RECALL_TEXT.format(seeds=options.seeds, chance=chance, **vars(recall)))
    parts.append(recall_table(recalled, recall.lags))
    ends = line_ends(first_characters(module, options.language), module.prepared.vocabulary)
    figures = {
        "gradient_flow": flow_figure(flows, [HIDDEN], ends),
        "cell_flow": flow_figure(flows, [ALONG, MEMORY], ends),
    }
    return Findings("\n\n".join(parts), figures | {"recall": recall_figure(recalled, recall.lags, chance)})


def through_poems(net: Net, seed: int, module: PoemDataModule, language: FlowLanguage) -> Tensor:
    """A language model's relative gradient norms on held-out poems: (stages, quantities, T)."""
    batch = first_characters(module, language)
    with seeded(seed):
        config = LanguageModelConfig(hidden_size=language.hidden_size, dropout=0)
        config.cell, config.forget_bias = net.cell, net.forget_bias
        network = Network(len(module.prepared.vocabulary), config)
    before = gradient_norms(network, batch, seed)
    optimizer = torch.optim.Adam(network.parameters(), language.lr)
    train(optimizer, character_losses(network, module.loader("train")), language.steps, language.clip)
    after = gradient_norms(network, batch, seed)
    return relative(torch.stack([before, after]))


def first_characters(module: PoemDataModule, language: FlowLanguage) -> Batch:
    """The first characters of held-out poems that are long enough; an InputError if there is none."""
    characters, held_out = language.characters, module.prepared.splits["val"]
    rows = [held_out[i][: characters + 1] for i in np.flatnonzero(held_out.lengths >= characters).tolist()]
    if not rows:
        raise InputError(f"study.language.characters={characters}: no held-out poem is so long")
    ids = torch.from_numpy(np.stack(rows[: language.poems]))
    return Batch.of(ids, ids[:, 1:].numel())


def line_ends(batch: Batch, vocabulary: Vocabulary) -> list[int]:
    """The T − k at which all poems have the mark that ends a line, the latest first."""
    is_end = torch.tensor(vocabulary.begins_line)[batch.inputs[:, 1:]].all(dim=0)  # without <bos>
    return is_end.flip(0).nonzero().flatten().tolist()


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


def flow_figure(flows: Mapping[str, Tensor], quantities: Sequence[Quantity], ends: Sequence[int]) -> Figure:
    """Curves of some quantities, a row for each, and a column for each stage; ``ends`` of lines of verse are marked."""
    figure = Figure(figsize=(10, 0.8 + 3.6 * len(quantities)), layout="constrained")
    grid = figure.subplots(len(quantities), len(STAGES), sharex=True, sharey="row", squeeze=False)
    for (row, stage), ax in np.ndenumerate(grid):
        quantity = quantities[row]
        for name, norms in flows.items():
            draw(ax, name, torch.arange(norms.shape[-1]), norms[:, stage, QUANTITIES.index(quantity)])
        ax.set(yscale="log", title=f"{quantity.words}, {STAGES[stage]}", xlabel=r"$T-k$, characters back")
        ax.set_ylabel(f"{quantity.formula}, relative to $k=T$")
        mark_line_ends(ax, ends)
    if MEMORY in quantities:
        figure.suptitle(r"$C$ is the cell of the LSTM; in the Elman net and the GRU, which have none, it is $h$")
    finish_curves(figure, columns=len(NETS))
    return figure


def mark_line_ends(ax: Axes, ends: Sequence[int]) -> None:
    """A vertical line at the mark that ends each line of verse, with that line's number at the bottom."""
    for number, end in enumerate(reversed(ends), 1):
        ax.axvline(end, color="dimgrey", linewidth=1, linestyle=(0, (1, 2)))
        ax.annotate(
            f"line {number} ends",
            (end, 0.03),
            xycoords=("data", "axes fraction"),
            xytext=(-3, 0),
            textcoords="offset points",
            rotation=90,
            ha="right",
            color="dimgrey",
            fontsize="small",
        )
