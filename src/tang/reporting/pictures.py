"""Pictures of a sweep: its validation curves, a heat map over two keys, and parallel coordinates."""

from collections.abc import Sequence
from itertools import cycle, pairwise
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tang.errors import InputError
from tang.fonts import label
from tang.reporting.configurations import LENGTH_KEYS, Configuration, SweepResults
from tang.reporting.style import FEW, LINES, colors, effect, scale, short_names
from tang.runs.sweep import LOSS

SWAY = 0.04  # How far lines with the same value are spread on an axis of the parallel coordinates, better ones lower
DIVERGED = 1.06  # Height on the loss axis, which ends at 1, of configurations that diverged


def mean_curve(configuration: Configuration) -> np.ndarray | None:
    """(3, N) steps, mean of ``val/loss`` over seeds, and its standard deviation (n − 1), which is 0 for one run.

    As far as all runs that have a curve went; None if none has one.
    """
    points = np.array(list(zip(*configuration.curves, strict=False)))  # (N, runs, 2): zip ends with the shortest
    if not len(points):
        return None
    steps, losses = points.transpose(2, 1, 0)
    return np.stack([steps.mean(0), losses.mean(0), losses.std(0, ddof=min(1, len(losses) - 1))])


def draw_curves(sweep: SweepResults) -> Figure | None:
    """``val/loss`` over the steps: a color for each optimizer, its best configuration thick, the others faint.

    Where the optimizer didn't vary, colors are for the key of few values with the largest effect. None if none of the
    best configurations has a curve.
    """
    few = [key for key in sweep.keys if len(sweep.best_by(key)) <= FEW]
    by_effect = max(few, key=lambda key: effect(sweep, key), default=None)
    key = "optimizer" if "optimizer" in sweep.keys else by_effect
    groups = sweep.best_by(key) if key else {"": sweep.configurations[0]}
    in_shares = any(varied.startswith(LENGTH_KEYS) for varied in sweep.keys)
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    tops: list[float] = []
    for (value, best), line in zip(groups.items(), cycle(LINES), strict=False):
        members = [c for c in sweep.configurations if key is None or c.values[key] == value]
        for configuration in [*members[1:], best]:  # the best comes first, and is drawn last
            if (curve := mean_curve(configuration)) is None:
                continue
            steps, mean, deviation = curve
            steps = steps / (sweep.training_steps(configuration) if in_shares else 1)
            if configuration is not best:
                axes.plot(steps, mean, **line, alpha=0.25, linewidth=0.8)
                continue
            name = legend(sweep, best, key)
            axes.plot(steps, mean, **line, linewidth=2, marker="o", markersize=3, label=name, zorder=3)
            axes.fill_between(steps, mean - deviation, mean + deviation, color=line["color"], alpha=0.2, linewidth=0)
            tops.append(float(mean[0]))
    if not tops:
        return None
    top, bottom = max(tops), min(float(np.min(line.get_ydata())) for line in axes.lines)
    if top > bottom:
        margin = 0.05 * (top - bottom)
        axes.set_ylim(bottom - margin, top + margin)
    notes = ["band: ± a standard deviation over seeds"] if sweep.seeds > 1 else []
    if len(sweep.configurations) > len(groups):
        notes.insert(0, "thick: the best configuration" + (f" for each {key.rpartition('.')[2]}" if key else ""))
    x = "share of the training" if in_shares else "training steps"
    axes.set(xlabel=x, ylabel=f"{LOSS}, nats", title="; ".join(notes), xlim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", title=key and key.rpartition(".")[2])
    return figure


def legend(sweep: SweepResults, configuration: Configuration, first: str | None) -> str:
    """A configuration in the legend, with the key ``first`` before the others."""
    names = short_names(sorted(sweep.keys, key=lambda key: key != first))
    values = {key: label(configuration.shown[key]) for key in names}
    words = [values[key] if key == first else f"{name}={values[key]}" for key, name in names.items()]
    return f"{', '.join(words[:4])}{', …' * (len(words) > 4)}: {configuration.text()}".removeprefix(": ")


def choose_keys(sweep: SweepResults, x: str | None, y: str | None) -> tuple[str, str] | None:
    """The keys of a heat map: ``x`` and ``y``, or those with the largest effects; None if fewer than two varied.

    An InputError if a given key didn't vary, or both are the same.
    """
    for name, key in (("x", x), ("y", y)):
        if key is not None and key not in sweep.keys:
            raise InputError(f"{name}={key}: didn't vary in this sweep; {', '.join(sweep.keys) or 'nothing'} did")
    if x is not None and x == y:
        raise InputError(f"y={y}: is x too; give another")
    if len(sweep.keys) < 2:
        return None
    others = sorted((key for key in sweep.keys if key not in (x, y)), key=lambda key: -effect(sweep, key))
    x = x or others.pop(0)
    return x, y or others.pop(0)


def draw_heat_map(sweep: SweepResults, x: str, y: str) -> Figure:
    """The best ``val/loss`` at each value of ``x`` and ``y``, over all values of the other keys."""
    across, down = (scale([c.values[key] for c in sweep.configurations]) for key in (x, y))
    best: dict[tuple[int, int], float] = {}
    for c in sweep.configurations:  # the best comes first
        best.setdefault((down.cell[c.values[y]], across.cell[c.values[x]]), c.loss)
    losses = np.full((len(down.cell_labels), len(across.cell_labels)), np.nan)
    losses[tuple(zip(*best, strict=True))] = list(best.values())
    norm, is_cut = colors(list(best.values()))
    height, width = losses.shape
    figure = Figure(figsize=(3.2 + 0.85 * width, 2.2 + 0.5 * height), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(np.ma.masked_invalid(losses), cmap="viridis", norm=norm, aspect="auto")
    axes.set_facecolor("0.9")
    for (row, column), loss in best.items():
        text = "diverged" if loss == np.inf else f"{loss:.3f}"
        color = "white" if norm(loss) < 0.6 else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=color)
    turned: dict[str, Any] = {"rotation": 30, "ha": "right"} if max(map(len, across.cell_labels)) > 9 else {}
    axes.set_xticks(range(width), across.cell_labels, **turned)
    axes.set_yticks(range(height), down.cell_labels)
    names = short_names([x, y])
    axes.set(xlabel=label(names[x]), ylabel=label(names[y]), title=_heat_title(sweep, x, y))
    figure.colorbar(image, ax=axes, extend="max" if is_cut else "neither", label=f"{LOSS}, nats")
    return figure


def _heat_title(sweep: SweepResults, x: str, y: str) -> str:
    if others := [key for key in sweep.keys if key not in (x, y)]:
        return f"{LOSS}: best{' mean' * (sweep.seeds > 1)} over {', '.join(short_names(others).values())}"
    counts = sorted({len(configuration.runs) for configuration in sweep.configurations})
    return f"{LOSS}: mean of {' or '.join(map(str, counts))} seeds" if sweep.seeds > 1 else LOSS


def draw_parallel(sweep: SweepResults) -> Figure:
    """An axis for each key and one for ``val/loss``, a line for each of two configurations or more."""
    scales = {key: scale([c.values[key] for c in sweep.configurations]) for key in sweep.keys}
    norm, is_cut = colors([c.loss for c in sweep.configurations])
    figure = Figure(figsize=(2.5 + 1.9 * len(scales), 5), layout="constrained")
    axes = figure.subplots()
    for rank, c in reversed(list(enumerate(sweep.configurations))):
        sway = SWAY * (rank / (len(sweep.configurations) - 1) - 0.5)
        heights = [  # a range, which has fewer ticks than values, spreads them by itself
            s.position[c.values[key]] + sway * (len(s.ticks) <= len(s.position)) for key, s in scales.items()
        ]
        heights.append(min(float(norm(c.loss)), 1.0) if c.is_finite else DIVERGED)
        style = {"color": colormaps["viridis"](norm(c.loss))} if c.is_finite else {"color": "0.6", "linestyle": ":"}
        axes.plot(*smooth(heights), **style, linewidth=1.1 if rank else 2.5, alpha=0.8 if rank else 1.0)
    ticks = [(share, f"{norm.inverse(share):.3f}") for share in np.linspace(0, 1, 6).tolist()]
    if is_cut:
        ticks[-1] = (1.0, f"≥ {ticks[-1][1]}")
    if not all(c.is_finite for c in sweep.configurations):
        ticks.append((DIVERGED, "diverged"))
    names = short_names(sweep.keys)
    labeled = [*((label(names[key]), s.ticks) for key, s in scales.items()), (f"{LOSS}, nats", ticks)]
    for place, (name, marks) in enumerate(labeled):
        draw_axis(axes, place, name, marks)
    axes.set_title(f"{len(sweep.configurations)} configurations; thick: the best", pad=34)
    axes.set(xlim=(-0.1, len(scales) + 0.35), ylim=(-0.08, 1.1))
    axes.axis("off")
    return figure


def smooth(heights: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
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
