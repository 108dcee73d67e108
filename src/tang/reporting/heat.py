"""A heat map of a sweep over two keys."""

import math
from typing import Any

from matplotlib.figure import Figure

from tang.errors import InputError
from tang.reporting.configurations import SweepResults
from tang.reporting.style import colours, effect, label, scale, short_names
from tang.runs.sweep import LOSS


def choose_keys(sweep: SweepResults, x: str | None, y: str | None) -> tuple[str, str] | None:
    """The two keys of a heat map: ``x`` and ``y`` if given, else those with the largest effects.

    None if fewer than two varied.

    Raises:
        InputError: a given key didn't vary, or both are the same.
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
    norm, is_cut = colours(list(best.values()))
    width, height = len(across.cell_labels), len(down.cell_labels)
    figure = Figure(figsize=(3.2 + 0.85 * width, 2.2 + 0.5 * height), layout="constrained")
    axes = figure.subplots()
    finite = [[best.get((row, column), math.nan) for column in range(width)] for row in range(height)]
    finite = [[loss if math.isfinite(loss) else math.nan for loss in row] for row in finite]
    image = axes.imshow(finite, cmap="viridis", norm=norm, aspect="auto")
    axes.set_facecolor("0.9")
    for (row, column), loss in best.items():
        is_dark = math.isfinite(loss) and norm(loss) < 0.6
        text = f"{loss:.3f}" if math.isfinite(loss) else "diverged"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color="white" if is_dark else "black")
    turned: dict[str, Any] = {"rotation": 30, "ha": "right"} if max(map(len, across.cell_labels)) > 9 else {}
    axes.set_xticks(range(width), across.cell_labels, **turned)
    axes.set_yticks(range(height), down.cell_labels)
    names = short_names([x, y])
    axes.set(xlabel=label(names[x]), ylabel=label(names[y]), title=title(sweep, x, y))
    figure.colorbar(image, ax=axes, extend="max" if is_cut else "neither", label=f"{LOSS}, nats")
    return figure


def title(sweep: SweepResults, x: str, y: str) -> str:
    """What a cell's number is: a loss, or a mean or best one."""
    others = [key for key in sweep.keys if key not in (x, y)]
    if others:
        return f"{LOSS}: best{' mean' * (sweep.seeds > 1)} over {', '.join(short_names(others).values())}"
    counts = sorted({len(configuration.runs) for configuration in sweep.configurations})
    return f"{LOSS}: mean of {' or '.join(map(str, counts))} seeds" if sweep.seeds > 1 else LOSS
