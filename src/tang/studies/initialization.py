"""Initializations: zeros, equal units, weights too small, default and too large, with and without clipping."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler
from torch import Tensor, nn

from tang.config.model import LanguageModelConfig
from tang.config.studies import Initialization
from tang.console import tracked
from tang.data.poems import PoemDataModule
from tang.studies.findings import Findings, finish_curves
from tang.studies.short_training import character_losses, seeded, train
from tang.tables import markdown
from tang.tasks.network import Network

WINDOW = 10  # Number of steps that curves and the final loss are averaged over
ALIKE = 1e-4  # Units count as one if their outputs differ nowhere by more than this share of the largest output
UNCLIPPED = "without clipping"

# In Okabe and Ito's palette, which the color-blind can tell apart.
STYLES = cycler(
    color=["#0072B2", "#CC79A7", "#009E73", "#56B4E9", "#000000", "#D55E00"],
    linestyle=[":", "--", "-.", (0, (6, 1, 1, 1, 1, 1)), "-", (0, (8, 2))],
)

SYMMETRY_TEXT = """\
Language models of poems, LSTM with H = {hidden_size}, {steps} steps of Adam with rate {lr:g}, with the same batches.

- zeros: all parameters are zero; zero layer: those of the recurrent layer alone;
- equal units: all units are copies of the first;
- default: weights uniform in ±1/√H, biases 0, the forget gate's 1; × {small:g} and × {large:g}: those weights scaled.

Two units count as one if their outputs for held-out poems differ nowhere by more than {alike:g} of the largest output.
A tensor moves if its first gradient has an entry other than zero. Units are those of training without clipping."""

CLIPPING_TEXT = """\
Clipping multiplies a gradient longer than {clip:g} by one number: zero entries stay zero, equal ones stay equal. Adam,
too, moves equal units by equal steps. The final loss is the mean of the last {window} steps."""


class TrainingResult(NamedTuple):
    """Measures of a language model's training."""

    units: tuple[int, int]  # Number of distinct units before and after training
    difference: float  # Largest difference between two units' outputs after training
    moving: str  # Number of parameters whose first gradient isn't zero, such as "1 of 7"
    losses: list[float]  # Of each step
    norms: list[float]  # Of each step's gradient, before clipping


Results = Mapping[tuple[str, str], TrainingResult]  # With or without clipping, initialization → result


def study(options: Initialization, seed: int) -> Findings:
    """Train a small language model from each initialization, with clipping and without."""
    initializations: dict[str, Callable[[Network], None]] = {
        "zeros": zero,
        "zero layer": lambda network: zero(network.recurrent),
        "equal units": equal,
        f"× {options.small:g}": partial(scale, factor=options.small),
        "default": lambda network: None,
        f"× {options.large:g}": partial(scale, factor=options.large),
    }
    module = PoemDataModule(options.data)
    config = LanguageModelConfig(hidden_size=options.hidden_size, dropout=0, tie_weights=False, forget_bias=1)
    clips = {UNCLIPPED: math.inf, f"clipped to {options.clip:g}": options.clip}
    results = {}
    for clipping, name in tracked(list(product(clips, initializations)), "language models"):
        with seeded(seed), torch.no_grad():
            network = Network(len(module.prepared.vocabulary), config)
            initializations[name](network)
        results[clipping, name] = train_and_count(network, module, options.steps, options.lr, clips[clipping])
    text = [
        SYMMETRY_TEXT.format(alike=ALIKE, **vars(options)),
        symmetry_table(results, options.hidden_size),
        "Without clipping and with:",
        clipping_table(results, options.clip),
        CLIPPING_TEXT.format(clip=options.clip, window=min(WINDOW, options.steps)),
    ]
    return Findings("\n\n".join(text), {"initialization": curves(results, list(clips))})


def train_and_count(network: Network, module: PoemDataModule, steps: int, lr: float, clip: float) -> TrainingResult:
    """Train with Adam, and count distinct units before and after."""
    held_out = next(iter(module.loader("val"))).inputs
    before, _ = distinct_units(unit_outputs(network, held_out))
    first_loss = next(character_losses(network, module.loader("train")))
    is_moving = [bool(gradient.any()) for gradient in torch.autograd.grad(first_loss, list(network.parameters()))]
    optimizer = torch.optim.Adam(network.parameters(), lr)
    losses, norms = train(optimizer, character_losses(network, module.loader("train")), steps, clip)
    after, difference = distinct_units(unit_outputs(network, held_out))
    return TrainingResult((before, after), difference, f"{sum(is_moving)} of {len(is_moving)}", losses, norms)


def zero(module: nn.Module) -> None:
    """Set all parameters of a module to zero."""
    for parameter in module.parameters():
        parameter.zero_()


def equal(network: Network) -> None:
    """Make all units of the first layer copies of unit 0; all recurrent weights become its weight to itself."""
    blocks = (network.recurrent.cell.gates, -1)
    weight_ih, weight_hh = (weight.unflatten(0, blocks) for weight in network.recurrent.weights(0)[:2])
    weight_ih.copy_(weight_ih[:, :1].clone())
    weight_hh.copy_(weight_hh[:, :1, :1].clone())
    network.head.weight.copy_(network.head.weight[:, :1].clone())


def scale(network: Network, factor: float) -> None:
    """Multiply the first layer's weights, not its biases."""
    for weight in network.recurrent.weights(0)[:2]:
        weight.mul_(factor)


@torch.no_grad()
def unit_outputs(network: Network, ids: Tensor) -> Tensor:
    """Outputs (H, B·T) of each unit for ids (B, T)."""
    outputs: Tensor = network.recurrent(network.embedding(ids))[0]
    return outputs.flatten(0, 1).T


def distinct_units(outputs: Tensor) -> tuple[int, float]:
    """Number of rows of ``outputs`` (H, N) unlike all counted before, and the largest difference between any two."""
    differences = torch.cdist(outputs.double(), outputs.double(), p=math.inf)
    alike = differences <= ALIKE * outputs.abs().max()
    counted: list[int] = []
    for unit, others in enumerate(alike):
        if not others[counted].any():
            counted.append(unit)
    return len(counted), differences.max().item()


def symmetry_table(results: Results, hidden_size: int) -> str:
    """Table of distinct units and moving tensors by initialization, without clipping."""
    rows = [
        {
            "initialization": name,
            "distinct units before": f"{result.units[0]} of {hidden_size}",
            "after": f"{result.units[1]} of {hidden_size}",
            "largest difference after": f"{result.difference:.2g}",
            "tensors that move": result.moving,
        }
        for (clipping, name), result in results.items()
        if clipping == UNCLIPPED
    ]
    return markdown(rows)


def clipping_table(results: Results, clip: float) -> str:
    """Table of gradient norms and losses by initialization."""
    rows = []
    for (clipping, name), (*_, losses, norms) in results.items():
        last, lengths = losses[-WINDOW:], torch.tensor(norms)
        rows.append(
            {
                "initialization": name,
                "": clipping,
                "first gradient norm": f"{lengths[0]:.3g}",
                "median": f"{lengths.quantile(0.5):.3g}",
                "largest": f"{lengths.max():.3g}",
                f"steps above {clip:g}": f"{(lengths > clip).double().mean():.0%}",
                "first loss": f"{losses[0]:.3f}",
                "final loss": f"{sum(last) / len(last):.3f}",
            }
        )
    return markdown(rows)


def curves(results: Results, clippings: list[str]) -> Figure:
    """Losses above gradient norms, a column without and one with clipping; means of consecutive steps."""
    figure = Figure(figsize=(10, 7), layout="constrained")
    grid = figure.subplots(2, len(clippings), sharex=True, sharey="row", subplot_kw={"prop_cycle": STYLES})
    for (clipping, name), result in results.items():
        for ax, values in zip(grid[:, clippings.index(clipping)], (result.losses, result.norms), strict=True):
            width = min(WINDOW, len(values))
            means = np.convolve(values, np.full(width, 1 / width), mode="valid")
            ax.plot(range(width, len(values) + 1), means, label=name)
    for (loss, norm), clipping in zip(grid.T, clippings, strict=True):
        loss.set(title=clipping, ylabel=f"training loss, nats per character\n(mean of {WINDOW} steps)")
        norm.set(yscale="log", xlabel="training steps")
        norm.set_ylabel(f"gradient norm before clipping\n(mean of {WINDOW} steps)")
    finish_curves(figure, columns=len(STYLES))
    return figure
