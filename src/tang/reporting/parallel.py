"""A picture of a sweep in parallel coordinates."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from tang.reporting.configurations import SweepResults
from tang.reporting.style import colours, label, scale, short_names
from tang.runs.sweep import LOSS

SWAY = 0.04  # How far lines with the same value are spread on its axis, better ones lower

DIVERGED = 1.06  # Height on the loss axis, which ends at 1, of configurations that diverged


def draw_parallel(sweep: SweepResults) -> Figure:
    """An axis for each key and one for ``val/loss``, a line for each configuration, its colour by its loss."""
    scales = [scale([c.values[key] for c in sweep.configurations]) for key in sweep.keys]
    norm, is_cut = colours([c.loss for c in sweep.configurations])
    figure = Figure(figsize=(2.5 + 1.9 * len(sweep.keys), 5), layout="constrained")
    axes = figure.subplots()
    colour = ScalarMappable(norm, "viridis")
    last = len(sweep.configurations) - 1
    for rank, c in reversed(list(enumerate(sweep.configurations))):
        sway = SWAY * (rank / last - 0.5) if last else 0.0
        heights = [  # a range, which has fewer ticks than values, spreads them by itself
            s.position[c.values[key]] + sway * (len(s.ticks) <= len(s.position))
            for key, s in zip(sweep.keys, scales, strict=True)
        ]
        heights.append(min(float(norm(c.loss)), 1.0) if c.is_finite else DIVERGED)
        style = {"color": colour.cmap(norm(c.loss))} if c.is_finite else {"color": "0.6", "linestyle": ":"}
        axes.plot(*smooth(heights), **style, linewidth=1.1 if rank else 2.5, alpha=0.8 if rank else 1.0)
    names = short_names(sweep.keys)
    for place, (key, s) in enumerate(zip(sweep.keys, scales, strict=True)):
        draw_axis(axes, place, label(names[key]), s.ticks)
    ticks = [(share, f"{norm.inverse(share):.3f}") for share in np.linspace(0, 1, 6).tolist()]
    if is_cut:
        ticks[-1] = (1.0, f"≥ {ticks[-1][1]}")
    if not all(c.is_finite for c in sweep.configurations):
        ticks.append((DIVERGED, "diverged"))
    draw_axis(axes, len(sweep.keys), f"{LOSS}, nats", ticks)
    axes.set_title(f"{len(sweep.configurations)} configurations; thick: the best", pad=34)
    axes.set(xlim=(-0.1, len(sweep.keys) + 0.35), ylim=(-0.08, 1.1))
    axes.axis("off")
    return figure


def smooth(heights: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """A curve through ``heights``, level at each, so that lines that meet on an axis can be told apart."""
    share = np.linspace(0, 1, 30)
    ease = share**2 * (3 - 2 * share)
    pieces = [one + (other - one) * ease for one, other in pairwise(heights)]
    return np.concatenate([place + share for place in range(len(pieces))]), np.concatenate(pieces)


def draw_axis(axes: Axes, place: float, name: str, ticks: Sequence[tuple[float, str]]) -> None:
    """A vertical line with its name above and its ticks beside it, on the side with fewer lines."""
    axes.axvline(place, color="0.3", linewidth=1, zorder=3)
    axes.text(place, 1.12, name, ha="center", va="bottom", fontsize=11)
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1}
    beside, side = (0.03, "left") if place else (-0.03, "right")
    for height, text in ticks:
        axes.text(place + beside, height, text, ha=side, va="center", fontsize=8, zorder=4, bbox=box)
