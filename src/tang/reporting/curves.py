"""Validation curves of a sweep."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tang.reporting.configurations import LENGTHS, Setting, Sweep
from tang.reporting.style import COLOURS, FEW, label, names, weight
from tang.runs.sweep import LOSS


class Curve(NamedTuple):
    """Of a setting's runs, validation by validation, as far as all of them went."""

    steps: np.ndarray
    """Or shares of the whole training."""
    mean: np.ndarray
    deviation: np.ndarray
    """Over seeds (n − 1); 0 for one run."""


def curve(setting: Setting, unit: int = 1) -> Curve | None:
    """Over the steps, each ``unit`` of them counted as one; None if no run has a curve."""
    curves = setting.curves
    if not curves:
        return None
    length = min(map(len, curves))
    steps, losses = np.array([points[:length] for points in curves]).transpose(2, 0, 1)
    deviation = losses.std(0, ddof=1) if len(losses) > 1 else np.zeros(length)
    return Curve(steps.mean(0) / unit, losses.mean(0), deviation)


def colour_key(sweep: Sweep) -> str | None:
    """The optimizer if it varied; else the key that matters most, of those with few values."""
    if "optimizer" in sweep.keys:
        return "optimizer"
    few = [key for key in sweep.keys if len(sweep.best_by(key)) <= FEW]
    return max(few, key=lambda key: weight(sweep, key), default=None)


def draw_curves(sweep: Sweep) -> Figure | None:
    """``val/loss`` over the steps: a colour for each optimizer, its best setting thick, the others faint.

    None if none of the best settings has a curve.
    """
    key = colour_key(sweep)
    groups = sweep.best_by(key) if key else {"": sweep.settings[0]}
    in_shares = any(varied.startswith(LENGTHS) for varied in sweep.keys)
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    tops: list[float] = []
    for number, (value, best) in enumerate(groups.items()):
        colour = COLOURS[number % len(COLOURS)]
        style = ("-", "--", ":")[number // len(COLOURS) % 3]
        others = [s for s in sweep.settings if s is not best and (key is None or s.values[key] == value)]
        for setting in others:
            if faint := curve(setting, sweep.length(setting) if in_shares else 1):
                axes.plot(faint.steps, faint.mean, color=colour, alpha=0.25, linewidth=0.8, linestyle=style)
        if shown := curve(best, sweep.length(best) if in_shares else 1):
            plot_best(axes, shown, colour, style, legend(sweep, best, key))
            tops.append(float(shown.mean[0]))
    if not tops:
        return None
    bottom = min(float(line.get_ydata().min()) for line in axes.lines)  # type: ignore[union-attr]
    if max(tops) > bottom:
        axes.set_ylim(bottom - 0.05 * (max(tops) - bottom), max(tops) + 0.05 * (max(tops) - bottom))
    words = []
    if len(sweep.settings) > len(groups):
        words.append(f"thick: the best setting{f' for each {names([key])[key]}' if key else ''}")
    if sweep.seeds > 1:
        words.append("band: ± a standard deviation over seeds")
    axes.set(xlabel="share of the training" if in_shares else "training steps")
    axes.set(ylabel=f"{LOSS}, nats", title="; ".join(words))
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    return figure


def plot_best(axes: Axes, shown: Curve, colour: str, style: str, name: str) -> None:
    """A thick line with its band."""
    axes.plot(shown.steps, shown.mean, style, color=colour, linewidth=2, marker="o", markersize=3, label=name, zorder=3)
    axes.fill_between(
        shown.steps, shown.mean - shown.deviation, shown.mean + shown.deviation, color=colour, alpha=0.2, linewidth=0
    )


def legend(sweep: Sweep, setting: Setting, first: str | None) -> str:
    """A setting in the legend, the key ``first`` before the others."""
    keys: Sequence[str] = sorted(sweep.keys, key=lambda key: key != first)
    name = names(keys)
    words = [f"{name[key]}={label(setting.shown[key])}" if key != first else label(setting.shown[key]) for key in keys]
    return f"{', '.join(words[:4])}{', …' * (len(words) > 4)}: {setting.text()}".removeprefix(": ")
