"""A sweep as a heat map over two keys."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from tang.errors import InputError
from tang.reporting.configurations import Sweep
from tang.reporting.style import colours, label, names, scale, weight
from tang.runs.sweep import LOSS


def choose_keys(sweep: Sweep, x: str | None, y: str | None) -> tuple[str, str] | None:
    """The two keys of a heat map: those that were asked for, else those whose values make the largest differences.

    None if fewer than two varied.

    Raises:
        InputError: a key that was asked for didn't vary, or it is the other one too.
    """
    for name, key in (("x", x), ("y", y)):
        if key is not None and key not in sweep.keys:
            raise InputError(f"{name}={key}: didn't vary in this sweep; {', '.join(sweep.keys) or 'nothing'} did")
    if x is not None and x == y:
        raise InputError(f"y={y}: is x too; give another")
    others = sorted((key for key in sweep.keys if key not in (x, y)), key=lambda key: -weight(sweep, key))
    if len(sweep.keys) < 2:
        return None
    x = x or others.pop(0)
    return x, y or others.pop(0)


def draw_heat_map(sweep: Sweep, x: str, y: str) -> Figure:
    """The best ``val/loss`` at each value of ``x`` and ``y``, whatever the other keys are."""
    across, down = (scale([setting.values[key] for setting in sweep.settings]) for key in (x, y))
    best: dict[tuple[int, int], float] = {}
    for setting in sweep.settings:  # the best comes first
        best.setdefault((down.cell[setting.values[y]], across.cell[setting.values[x]]), setting.loss)
    norm, is_cut = colours(list(best.values()))
    figure = Figure(figsize=(3.2 + 0.85 * len(across.cells), 2.2 + 0.5 * len(down.cells)), layout="constrained")
    axes = figure.subplots()
    losses = [
        [best.get((row, column), math.nan) for column in range(len(across.cells))] for row in range(len(down.cells))
    ]
    finite = [[loss if math.isfinite(loss) else math.nan for loss in row] for row in losses]
    image = axes.imshow(finite, cmap="viridis", norm=norm, aspect="auto")
    axes.set_facecolor("0.9")
    for (row, column), loss in best.items():
        is_dark = math.isfinite(loss) and norm(loss) < 0.6
        text = f"{loss:.3f}" if math.isfinite(loss) else "diverged"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color="white" if is_dark else "black")
    shown = names([x, y])
    axes.set_xticks(range(len(across.cells)), across.cells, **turned(across.cells))
    axes.set_yticks(range(len(down.cells)), down.cells)
    axes.set(xlabel=label(shown[x]), ylabel=label(shown[y]), title=title(sweep, x, y))
    figure.colorbar(image, ax=axes, extend="max" if is_cut else "neither", label=f"{LOSS}, nats")
    return figure


def title(sweep: Sweep, x: str, y: str) -> str:
    """What a cell shows."""
    others = [key for key in sweep.keys if key not in (x, y)]
    if others:
        return f"{LOSS}: best{' mean' * (sweep.seeds > 1)} over {', '.join(names(others).values())}"
    counts = sorted({len(setting.runs) for setting in sweep.settings})
    return f"{LOSS}: mean of {' or '.join(map(str, counts))} seeds" if sweep.seeds > 1 else LOSS


def turned(labels: Sequence[str]) -> dict[str, Any]:
    """How labels below an axis find room."""
    return {"rotation": 30, "ha": "right"} if max(map(len, labels)) > 9 else {}
