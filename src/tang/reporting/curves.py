"""A picture of the validation curves of a sweep."""

import numpy as np
from matplotlib.figure import Figure

from tang.reporting.configurations import LENGTH_KEYS, Configuration, SweepResults
from tang.reporting.style import COLOURS, FEW, effect, label, short_names
from tang.runs.sweep import LOSS


def mean_curve(configuration: Configuration, unit: int = 1) -> np.ndarray | None:
    """(3, N) steps in units of ``unit``, mean of ``val/loss`` over seeds and its standard deviation (n − 1).

    As far as all runs that have a curve went; None if none has one. The deviation is 0 for one run.
    """
    curves = configuration.curves
    if not curves:
        return None
    length = min(map(len, curves))
    steps, losses = np.array([points[:length] for points in curves]).transpose(2, 0, 1)
    deviation = losses.std(0, ddof=1) if len(losses) > 1 else np.zeros(length)
    return np.stack([steps.mean(0) / unit, losses.mean(0), deviation])


def draw_curves(sweep: SweepResults) -> Figure | None:
    """``val/loss`` over the steps: a colour for each optimizer, its best configuration thick, the others faint.

    Where the optimizer didn't vary, colours are for the key of few values with the largest effect. None if none of the
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
    for number, (value, best) in enumerate(groups.items()):
        colour, style = COLOURS[number % len(COLOURS)], ("-", "--", ":")[number // len(COLOURS) % 3]
        members = [c for c in sweep.configurations if key is None or c.values[key] == value]
        for configuration in [*members[1:], best]:  # the best comes first, and is drawn last
            curve = mean_curve(configuration, sweep.training_steps(configuration) if in_shares else 1)
            if curve is None:
                continue
            steps, mean, deviation = curve
            if configuration is not best:
                axes.plot(steps, mean, color=colour, alpha=0.25, linewidth=0.8, linestyle=style)
                continue
            name = legend(sweep, best, key)
            axes.plot(steps, mean, style, color=colour, linewidth=2, marker="o", markersize=3, label=name, zorder=3)
            axes.fill_between(steps, mean - deviation, mean + deviation, color=colour, alpha=0.2, linewidth=0)
            tops.append(float(mean[0]))
    if not tops:
        return None
    bottom = min(float(line.get_ydata().min()) for line in axes.lines)  # type: ignore[union-attr]
    if max(tops) > bottom:
        margin = 0.05 * (max(tops) - bottom)
        axes.set_ylim(bottom - margin, max(tops) + margin)
    title = []
    if len(sweep.configurations) > len(groups):
        title.append(f"thick: the best configuration{f' for each {short_names([key])[key]}' if key else ''}")
    if sweep.seeds > 1:
        title.append("band: ± a standard deviation over seeds")
    axes.set(xlabel="share of the training" if in_shares else "training steps")
    axes.set(ylabel=f"{LOSS}, nats", title="; ".join(title))
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    return figure


def legend(sweep: SweepResults, configuration: Configuration, first: str | None) -> str:
    """A configuration in the legend, with the key ``first`` before the others."""
    names = short_names(sorted(sweep.keys, key=lambda key: key != first))
    values = {key: label(configuration.shown[key]) for key in names}
    words = [values[key] if key == first else f"{name}={values[key]}" for key, name in names.items()]
    return f"{', '.join(words[:4])}{', …' * (len(words) > 4)}: {configuration.text()}".removeprefix(": ")
