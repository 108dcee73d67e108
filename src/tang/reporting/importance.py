"""The picture of a search: what each key matters."""

from matplotlib.figure import Figure

from tang.fonts import label
from tang.reporting.style import COLORS, short_names
from tang.runs.sweep import SweepFolder


def draw_importances(folder: SweepFolder) -> Figure | str:
    """A bar for each key of a search, or a sentence why there are none."""
    from tang.sweeps.search.importance import importances  # of an extra

    trials, shares = importances(folder)
    if not shares:
        return f"No importances: {trials} finished trials are too few."
    names = short_names(list(shares))
    figure = Figure(figsize=(7, 0.8 + 0.4 * len(shares)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh([label(names[key]) for key in shares], list(shares.values()), color=COLORS[0])
    axes.bar_label(bars, [f"{share:.0%}" for share in shares.values()], padding=4)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1.08 * max(shares.values())), xlabel="share of the variance of val/loss, by functional ANOVA")
    axes.set_title(f"What each key matters, by {trials} finished trials", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    return figure
