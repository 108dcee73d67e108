"""Where training begins: zeros, equal units, weights too small, as usual and too large; with clipping and without."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure

from tang.data.poems import PoemDataModule
from tang.studies.findings import Findings
from tang.studies.initializers import ALIKE, distinct_units, equal, moving_tensors, scale, unit_outputs, zero
from tang.studies.short_training import Step, character_losses, poem_data, seeded, tracked, train
from tang.tables import markdown
from tang.tasks.network import Network

WINDOW = 10
"""Steps over which the curves and the loss at the end are means."""

EXPLAINED = """\
Language models of poems, LSTM with H = {hidden_size}, {steps} steps of Adam with rate {lr:g}, the same batches for
all. They begin with

- zeros: all parameters are zero, embedding and head included;
- zero layer: those of the recurrent layer are, under an embedding and a head as usual;
- equal units: all units are copies of the first;
- × {small:g} and × {large:g}: the recurrent layer's weights as usual, times that;
- default: weights uniform in ±1/√H, biases 0, the forget gate's 1.

Two units count as one if their outputs for held-out poems differ nowhere by more than {alike:g} of the largest output.
A tensor moves if its first gradient has an entry other than zero. Units are those of training without clipping."""

CLIPPED = """\
Clipping cuts a gradient longer than {clip:g} to {clip:g}: it multiplies all of it by one number. It is not an
initialization: entries of zero stay zero, equal ones stay equal, and the weights are not touched. Adam, too, treats
entries alike, and moves equal units by equal steps. The loss at the end is the mean of the last {window} steps."""


class Run(NamedTuple):
    """A language model that was trained."""

    units: tuple[int, int]
    """Distinct ones, before and after."""
    difference: float
    """Between two units' outputs, after training: the largest anywhere."""
    moving: str
    """How many of the parameters' tensors have a first gradient that isn't zero."""
    steps: list[Step]


def study(
    *,
    data: Mapping[str, Any],
    hidden_size: int,
    steps: int,
    lr: float,
    clip: float,
    small: float,
    large: float,
    seed: int,
) -> Findings:
    """Train a small language model from each beginning, with clipping and without.

    Args:
        data: arguments of :class:`~tang.data.poems.PoemDataModule`.
        hidden_size: H, and the size of the embeddings.
        steps: of Adam, a batch each.
        lr: its rate.
        clip: the norm that gradients are cut to.
        small, large: what the recurrent layer's weights are multiplied by.
        seed: of the weights.

    Raises:
        InputError: the corpus is wrong.
    """
    beginnings: dict[str, Callable[[Network], None]] = {
        "zeros": zero,
        "zero layer": lambda network: zero(network.recurrent),
        "equal units": equal,
        f"× {small:g}": lambda network: scale(network, small),
        "default": lambda network: None,
        f"× {large:g}": lambda network: scale(network, large),
    }
    module = poem_data(data)
    clips = {"without clipping": None, f"clipped to {clip:g}": clip}
    runs: dict[str, dict[str, Run]] = {clipping: {} for clipping in clips}
    for clipping, name in tracked([(clipping, name) for clipping in clips for name in beginnings], "language models"):
        with seeded(seed), torch.no_grad():
            network = Network(len(module.prepared.vocabulary), hidden_size=hidden_size, tie_weights=False)
            beginnings[name](network)
        runs[clipping][name] = run(network, module, steps, lr, clips[clipping])
    text = "\n\n".join(
        [
            EXPLAINED.format(
                hidden_size=hidden_size,
                steps=steps,
                lr=lr,
                small=small,
                large=large,
                alike=ALIKE,
            ),
            symmetry_table(runs["without clipping"], hidden_size),
            "Without clipping and with:",
            clipping_table(runs, clip),
            CLIPPED.format(clip=clip, window=min(WINDOW, steps)),
        ]
    )
    return Findings(text, {"initialization": curves(runs)})


def run(network: Network, module: PoemDataModule, steps: int, lr: float, clip: float | None) -> Run:
    """Train with Adam, and count before and after."""
    held_out = next(iter(module.loader("val"))).inputs
    before, _ = distinct_units(unit_outputs(network, held_out))
    moving = moving_tensors(network, next(character_losses(network, module.loader("train"), 1)))
    optimizer = torch.optim.Adam(network.parameters(), lr)
    trained = list(train(optimizer, character_losses(network, module.loader("train"), steps), clip))
    after, difference = distinct_units(unit_outputs(network, held_out))
    return Run((before, after), difference, moving, trained)


def symmetry_table(runs: Mapping[str, Run], hidden_size: int) -> str:
    """What parts the units of each beginning, and what doesn't."""
    return markdown(
        [
            {
                "beginning": name,
                "distinct units before": f"{run.units[0]} of {hidden_size}",
                "after": f"{run.units[1]} of {hidden_size}",
                "largest difference after": f"{run.difference:.2g}",
                "tensors that move": run.moving,
            }
            for name, run in runs.items()
        ]
    )


def clipping_table(runs: Mapping[str, Mapping[str, Run]], clip: float) -> str:
    """Gradients and losses."""
    rows = []
    for clipping, by_name in runs.items():
        for name, run in by_name.items():
            norms = torch.tensor([step.gradient_norm for step in run.steps])
            last = [step.loss for step in run.steps[-WINDOW:]]
            rows.append(
                {
                    "beginning": name,
                    "": clipping,
                    "first gradient norm": f"{norms[0]:.3g}",
                    "median": f"{norms.quantile(0.5):.3g}",
                    "largest": f"{norms.max():.3g}",
                    f"steps above {clip:g}": f"{(norms > clip).double().mean():.0%}",
                    "loss at first": f"{run.steps[0].loss:.3f}",
                    "at the end": f"{sum(last) / len(last):.3f}",
                }
            )
    return markdown(rows)


STYLES: tuple[dict[str, Any], ...] = (
    {"color": "#0072B2", "linestyle": ":"},
    {"color": "#CC79A7", "linestyle": "--"},
    {"color": "#009E73", "linestyle": "-."},
    {"color": "#56B4E9", "linestyle": (0, (6, 1, 1, 1, 1, 1))},
    {"color": "#000000", "linestyle": "-"},
    {"color": "#D55E00", "linestyle": (0, (8, 2))},
)
"""In Okabe and Ito's palette, which the colour-blind can tell apart."""


def curves(runs: Mapping[str, Mapping[str, Run]]) -> Figure:
    """Losses above gradient norms, a column without and one with clipping."""
    figure = Figure(figsize=(10, 7), layout="constrained")
    grid = figure.subplots(2, len(runs), sharex=True, sharey="row")
    for (loss, norm), (clipping, by_name) in zip(grid.T, runs.items(), strict=True):
        for (name, run), style in zip(by_name.items(), STYLES, strict=True):
            losses, norms = zip(*run.steps, strict=True)
            for ax, values in ((loss, losses), (norm, norms)):
                means = running_means(values)
                ax.plot(range(len(values) - len(means) + 1, len(values) + 1), means, label=name, **style)
        loss.set_title(clipping)
        norm.set(yscale="log", xlabel="training steps")
        for ax in (loss, norm):
            ax.grid(alpha=0.3)
    grid[0, 0].set_ylabel(f"training loss, nats per character\n(mean of {WINDOW} steps)")
    grid[1, 0].set_ylabel(f"gradient norm before clipping\n(mean of {WINDOW} steps)")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(STYLES), frameon=False)
    return figure


def running_means(values: Sequence[float]) -> np.ndarray:
    """Of each :data:`WINDOW` values in a row, or of all where there are fewer."""
    width = min(WINDOW, len(values))
    return np.convolve(values, np.full(width, 1 / width), mode="valid")
