"""The networks that studies compare: their measurement with several seeds, and their curves."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from matplotlib.axes import Axes
from torch import Tensor

from tang.console import tracked


class Net(NamedTuple):
    """A cell with its initial forget bias, and the style of its curve and of its points."""

    cell: str
    forget_bias: float
    color: str  # from Okabe and Ito's palette, which the color-blind can tell apart
    line: str
    marker: str
    size: int  # of a point; each net's fits into those before, so that points that coincide can be told apart


NETS = {
    "Elman net": Net("rnn", 0.0, "#D55E00", ":", "s", 14),
    "GRU": Net("gru", 0.0, "#009E73", "-.", "o", 9),
    "LSTM, forget bias 0": Net("lstm", 0.0, "#56B4E9", "--", "D", 5),
    "LSTM, forget bias 1": Net("lstm", 1.0, "#000000", "-", "o", 2),
}


def measured(measure: Callable[[Net, int], Tensor], seeds: range, description: str) -> dict[str, Tensor]:
    """Measure each of :data:`NETS` with each seed: name → (seeds, …), a measurement's shape after the seeds."""
    jobs = [(net, seed) for net in NETS.values() for seed in seeds]
    results = torch.stack([measure(net, seed) for net, seed in tracked(jobs, description)])
    return dict(zip(NETS, results.unflatten(0, (len(NETS), len(seeds))), strict=True))


def draw(ax: Axes, name: str, x: Tensor, runs: Tensor, with_points: bool = False) -> None:
    """Draw the median of ``runs`` (seeds, len(x)) as a line, and the range from minimum to maximum as a band."""
    net = NETS[name]
    ax.fill_between(x, runs.amin(dim=0), runs.amax(dim=0), color=net.color, alpha=0.18, linewidth=0)
    (line,) = ax.plot(x, runs.quantile(0.5, dim=0), net.line, color=net.color, linewidth=1.8, label=name)
    if with_points:
        line.set(marker=net.marker, markersize=net.size, markerfacecolor="white", markeredgewidth=1.8)
