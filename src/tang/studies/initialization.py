"""Initializations: zeros, equal units, weights too small, default and too large, with and without clipping."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure

from tang.config.studies import Initialization
from tang.data.poems import PoemDataModule
from tang.studies.figures import finish_curves
from tang.studies.findings import Findings
from tang.studies.initializers import ALIKE, distinct_units, equal, moving_tensors, scale, unit_outputs, zero
from tang.studies.short_training import character_losses, poem_data, seeded, tracked, train
from tang.tables import markdown
from tang.tasks.network import Network

WINDOW = 10  # Number of steps that curves and the final loss are averaged over

UNCLIPPED = "without clipping"

STYLES: dict[str, list[Any]] = {
    "color": ["#0072B2", "#CC79A7", "#009E73", "#56B4E9", "#000000", "#D55E00"],
    "linestyle": [":", "--", "-.", (0, (6, 1, 1, 1, 1, 1)), "-", (0, (8, 2))],
}
"""Styles of the curves, in Okabe and Ito's palette, which the colour-blind can tell apart."""

SYMMETRY_TEXT = """\
Language models of poems, LSTM with H = {hidden_size}, {steps} steps of Adam with rate {lr:g}, with the same batches.
By default the layer's weights are uniform in ±1/√H and its biases 0, the forget gate's 1; × {small:g} and × {large:g}
multiply those weights. All parameters are zero in zeros, the layer's in zero layer; equal units are copies of the first.

Two units count as one if their outputs for held-out poems differ nowhere by more than {alike:g} of the largest output.
A tensor moves if its first gradient has an entry other than zero. Units are those of training without clipping."""

CLIPPING_TEXT = """\
Clipping multiplies a gradient longer than {clip:g} by one number: zero entries stay zero, equal ones stay equal. Adam,
too, moves equal units by equal steps. The final loss is the mean of the last {window} steps."""


class TrainingResult(NamedTuple):
    """Measures of a language model's training."""

    units: tuple[int, int]  # Number of distinct units before and after training
    difference: float  # Largest difference between two units' outputs after training
    moving: str  # Number of parameters whose first gradient isn't zero
    losses: list[float]  # Of each step
    norms: list[float]  # Of each step's gradient, before clipping


Results = Mapping[tuple[str, str], TrainingResult]  # With or without clipping, initialization → result


def study(options: Initialization, seed: int) -> Findings:
    """Train a small language model from each initialization, with clipping and without.

    Raises:
        InputError: the corpus is wrong.
    """
    initializations: dict[str, Callable[[Network], None]] = {
        "zeros": zero,
        "zero layer": lambda network: zero(network.recurrent),
        "equal units": equal,
        f"× {options.small:g}": partial(scale, factor=options.small),
        "default": lambda network: None,
        f"× {options.large:g}": partial(scale, factor=options.large),
    }
    module = poem_data(options.data)
    clips = {UNCLIPPED: math.inf, f"clipped to {options.clip:g}": options.clip}
    results = {}
    for clipping, name in tracked(list(product(clips, initializations)), "language models"):
        with seeded(seed), torch.no_grad():
            size, vocabulary = options.hidden_size, module.prepared.vocabulary
            network = Network(len(vocabulary), hidden_size=size, tie_weights=False, forget_bias=1.0)
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
    moving = moving_tensors(network, next(character_losses(network, module.loader("train"))))
    optimizer = torch.optim.Adam(network.parameters(), lr)
    losses, norms = train(optimizer, character_losses(network, module.loader("train")), steps, clip)
    after, difference = distinct_units(unit_outputs(network, held_out))
    return TrainingResult((before, after), difference, moving, losses, norms)


def symmetry_table(results: Results, hidden_size: int) -> str:
    """Table of distinct units and moving tensors by initialization, without clipping."""
    rows = []
    for (clipping, name), result in results.items():
        if clipping == UNCLIPPED:
            before, after = (f"{count} of {hidden_size}" for count in result.units)
            row = {"initialization": name, "distinct units before": before, "after": after}
            rows.append(
                row | {"largest difference after": f"{result.difference:.2g}", "tensors that move": result.moving}
            )
    return markdown(rows)


def clipping_table(results: Results, clip: float) -> str:
    """Table of gradient norms and losses by initialization."""
    rows = []
    for (clipping, name), result in results.items():
        norms, last = torch.tensor(result.norms), result.losses[-WINDOW:]
        rows.append(
            {
                "initialization": name,
                "": clipping,
                "first gradient norm": f"{norms[0]:.3g}",
                "median": f"{norms.quantile(0.5):.3g}",
                "largest": f"{norms.max():.3g}",
                f"steps above {clip:g}": f"{(norms > clip).double().mean():.0%}",
                "first loss": f"{result.losses[0]:.3f}",
                "final loss": f"{sum(last) / len(last):.3f}",
            }
        )
    return markdown(rows)


def curves(results: Results, clippings: list[str]) -> Figure:
    """Losses above gradient norms, a column without and one with clipping; means of consecutive steps."""
    figure = Figure(figsize=(10, 7), layout="constrained")
    grid = figure.subplots(2, len(clippings), sharex=True, sharey="row")
    for axes, clipping in zip(grid.T, clippings, strict=True):
        for ax in axes:
            ax.set_prop_cycle(**STYLES)
        for (of, name), result in results.items():
            if of == clipping:
                for ax, values in zip(axes, (result.losses, result.norms), strict=True):
                    width = min(WINDOW, len(values))
                    means = np.convolve(values, np.full(width, 1 / width), mode="valid")
                    ax.plot(range(width, len(values) + 1), means, label=name)
        axes[0].set(title=clipping, ylabel=f"training loss, nats per character\n(mean of {WINDOW} steps)")
        axes[1].set(yscale="log", xlabel="training steps")
        axes[1].set_ylabel(f"gradient norm before clipping\n(mean of {WINDOW} steps)")
    finish_curves(figure, columns=len(STYLES["color"]))
    return figure
