"""Initializations: zeros, equal units, weights too small, default and too large, with and without clipping."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure

from tang.config.studies import Initialization
from tang.data.poems import PoemDataModule
from tang.studies.findings import Findings
from tang.studies.initializers import ALIKE, distinct_units, equal, moving_tensors, scale, unit_outputs, zero
from tang.studies.short_training import Step, character_losses, poem_data, seeded, tracked, train
from tang.tables import markdown
from tang.tasks.network import Network

WINDOW = 10  # Number of steps that curves and the final loss are averaged over

SYMMETRY_TEXT = """\
Language models of poems, LSTM with H = {hidden_size}, {steps} steps of Adam with rate {lr:g}, with the same batches.
The initializations:

- zeros: all parameters are zero, embedding and head included;
- zero layer: the recurrent layer's parameters are zero, embedding and head have their defaults;
- equal units: all units are copies of the first;
- × {small:g} and × {large:g}: the recurrent layer's default weights times that factor;
- default: weights uniform in ±1/√H, biases 0, the forget gate's 1.

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
    steps: list[Step]


Results = Mapping[str, Mapping[str, TrainingResult]]  # With or without clipping → initialization → result


def study(options: Initialization, seed: int) -> Findings:
    """Train a small language model from each initialization, with clipping and without.

    Raises:
        InputError: the corpus is wrong.
    """
    small, large, clip = options.small, options.large, options.clip
    initializations: dict[str, Callable[[Network], None]] = {
        "zeros": zero,
        "zero layer": lambda network: zero(network.recurrent),
        "equal units": equal,
        f"× {small:g}": lambda network: scale(network, small),
        "default": lambda network: None,
        f"× {large:g}": lambda network: scale(network, large),
    }
    module = poem_data(options.data)
    clips = {"without clipping": None, f"clipped to {clip:g}": clip}
    results: dict[str, dict[str, TrainingResult]] = {clipping: {} for clipping in clips}
    jobs = [(clipping, name) for clipping in clips for name in initializations]
    for clipping, name in tracked(jobs, "language models"):
        with seeded(seed), torch.no_grad():
            size, vocabulary = options.hidden_size, module.prepared.vocabulary
            network = Network(len(vocabulary), hidden_size=size, tie_weights=False, forget_bias=1.0)
            initializations[name](network)
        results[clipping][name] = train_and_count(network, module, options.steps, options.lr, clips[clipping])
    text = "\n\n".join(
        [
            SYMMETRY_TEXT.format(alike=ALIKE, **vars(options)),
            symmetry_table(results["without clipping"], options.hidden_size),
            "Without clipping and with:",
            clipping_table(results, clip),
            CLIPPING_TEXT.format(clip=clip, window=min(WINDOW, options.steps)),
        ]
    )
    return Findings(text, {"initialization": curves(results)})


def train_and_count(
    network: Network, module: PoemDataModule, steps: int, lr: float, clip: float | None
) -> TrainingResult:
    """Train with Adam, and count distinct units before and after."""
    held_out = next(iter(module.loader("val"))).inputs
    before, _ = distinct_units(unit_outputs(network, held_out))
    moving = moving_tensors(network, next(character_losses(network, module.loader("train"), 1)))
    optimizer = torch.optim.Adam(network.parameters(), lr)
    trained = list(train(optimizer, character_losses(network, module.loader("train"), steps), clip))
    after, difference = distinct_units(unit_outputs(network, held_out))
    return TrainingResult((before, after), difference, moving, trained)


def symmetry_table(results: Mapping[str, TrainingResult], hidden_size: int) -> str:
    """Table of distinct units and moving tensors by initialization."""
    rows = []
    for name, (units, difference, moving, _) in results.items():
        before, after = (f"{count} of {hidden_size}" for count in units)
        row = {"initialization": name, "distinct units before": before, "after": after}
        rows.append({**row, "largest difference after": f"{difference:.2g}", "tensors that move": moving})
    return markdown(rows)


def clipping_table(results: Results, clip: float) -> str:
    """Table of gradient norms and losses by initialization."""
    rows = []
    for clipping, by_name in results.items():
        for name, result in by_name.items():
            norms = torch.tensor([step.gradient_norm for step in result.steps])
            last = [step.loss for step in result.steps[-WINDOW:]]
            rows.append(
                {
                    "initialization": name,
                    "": clipping,
                    "first gradient norm": f"{norms[0]:.3g}",
                    "median": f"{norms.quantile(0.5):.3g}",
                    "largest": f"{norms.max():.3g}",
                    f"steps above {clip:g}": f"{(norms > clip).double().mean():.0%}",
                    "first loss": f"{result.steps[0].loss:.3f}",
                    "final loss": f"{sum(last) / len(last):.3f}",
                }
            )
    return markdown(rows)


COLOURS = ("#0072B2", "#CC79A7", "#009E73", "#56B4E9", "#000000", "#D55E00")
"""From Okabe and Ito's palette, which the colour-blind can tell apart."""
DASHES: tuple[Any, ...] = (":", "--", "-.", (0, (6, 1, 1, 1, 1, 1)), "-", (0, (8, 2)))


def curves(results: Results) -> Figure:
    """Losses above gradient norms, a column without and one with clipping."""
    figure = Figure(figsize=(10, 7), layout="constrained")
    grid = figure.subplots(2, len(results), sharex=True, sharey="row")
    for (loss, norm), (clipping, by_name) in zip(grid.T, results.items(), strict=True):
        for (name, result), color, dashes in zip(by_name.items(), COLOURS, DASHES, strict=True):
            losses, norms = zip(*result.steps, strict=True)
            for ax, values in ((loss, losses), (norm, norms)):
                means = running_means(values)
                ax.plot(
                    range(len(values) - len(means) + 1, len(values) + 1),
                    means,
                    label=name,
                    color=color,
                    linestyle=dashes,
                )
        loss.set_title(clipping)
        norm.set(yscale="log", xlabel="training steps")
        for ax in (loss, norm):
            ax.grid(alpha=0.3)
    grid[0, 0].set_ylabel(f"training loss, nats per character\n(mean of {WINDOW} steps)")
    grid[1, 0].set_ylabel(f"gradient norm before clipping\n(mean of {WINDOW} steps)")
    figure.legend(
        *grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(COLOURS), frameon=False
    )
    return figure


def running_means(values: Sequence[float]) -> np.ndarray:
    """Means of :data:`WINDOW` consecutive values, or of all if there are fewer."""
    width = min(WINDOW, len(values))
    return np.convolve(values, np.full(width, 1 / width), mode="valid")
