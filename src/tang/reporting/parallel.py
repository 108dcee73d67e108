"""A sweep in parallel coordinates."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from tang.reporting.configurations import Sweep
from tang.reporting.style import colours, label, names, scale
from tang.runs.sweep import LOSS

SWAY = 0.04
"""How far lines with the same value are spread on its axis, better ones lower."""

TURN = np.linspace(0, 1, 30)


def draw_parallel(sweep: Sweep) -> Figure:
    """An axis for each key and one for ``val/loss``, a line for each setting, its colour by its loss."""
    scales = [scale([setting.values[key] for setting in sweep.settings]) for key in sweep.keys]
    norm, is_cut = colours([setting.loss for setting in sweep.settings])
    figure = Figure(figsize=(2.5 + 1.9 * len(sweep.keys), 5), layout="constrained")
    axes = figure.subplots()
    colour = ScalarMappable(norm, "viridis")
    last = len(sweep.settings) - 1
    for rank, setting in reversed(list(enumerate(sweep.settings))):
        sway = SWAY * (rank / last - 0.5) if last else 0.0
        places = [s.place[setting.values[key]] for key, s in zip(sweep.keys, scales, strict=True)]
        heights = [place + sway * (len(s.ticks) <= len(s.place)) for place, s in zip(places, scales, strict=True)]
        heights.append(min(float(norm(setting.loss)), 1.0) if setting.is_finite else 1.06)
        style = {"color": colour.cmap(norm(setting.loss))} if setting.is_finite else {"color": "0.6", "linestyle": ":"}
        xs, ys = smooth(heights)
        axes.plot(xs, ys, **style, linewidth=2.5 if rank == 0 else 1.1, alpha=1.0 if rank == 0 else 0.8)
    for place, (key, s) in enumerate(zip(sweep.keys, scales, strict=True)):
        axis(axes, place, label(names(sweep.keys)[key]), s.ticks, is_first=place == 0)
    ends = [(share, f"{norm.inverse(share):.3f}") for share in np.linspace(0, 1, 6).tolist()]
    if is_cut:
        ends[-1] = (1.0, f"≥ {ends[-1][1]}")
    if not all(setting.is_finite for setting in sweep.settings):
        ends.append((1.06, "diverged"))
    axis(axes, len(sweep.keys), f"{LOSS}, nats", ends)
    axes.set_title(f"{len(sweep.settings)} settings; thick: the best", pad=34)
    axes.set(xlim=(-0.1, len(sweep.keys) + 0.35), ylim=(-0.08, 1.1))
    axes.axis("off")
    return figure


def smooth(heights: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """A curve through ``heights``, level at each, so that lines that meet on an axis can be told apart."""
    ease = TURN**2 * (3 - 2 * TURN)
    pieces = [one + (other - one) * ease for one, other in pairwise(heights)]
    return np.concatenate([place + TURN for place in range(len(pieces))]), np.concatenate(pieces)


def axis(axes: Axes, place: float, name: str, ticks: Sequence[tuple[float, str]], is_first: bool = False) -> None:
    """A line upwards with its name above it and its ticks beside it, on the side where fewer lines are."""
    axes.axvline(place, color="0.3", linewidth=1, zorder=3)
    axes.text(place, 1.12, name, ha="center", va="bottom", fontsize=11)
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1}
    beside, side = (-0.03, "right") if is_first else (0.03, "left")
    for height, text in ticks:
        axes.text(place + beside, height, text, ha=side, va="center", fontsize=8, zorder=4, bbox=box)
