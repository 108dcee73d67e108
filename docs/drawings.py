"""Draw the pictures of docs/derivation.md: ``python docs/drawings.py`` writes ``cell.svg`` and ``two_steps.svg`` there.

Letters are paths, which look the same everywhere, and stand on white, for dark pages too.
"""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

FOLDER = Path(__file__).parent
INK, CELL, FORTH, BACK = "#222222", "#0072B2", "#777777", "#C04A00"
Point = tuple[float, float]


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty drawing, in units of 0.7 inches, with its origin at the lower left."""
    figure = Figure(figsize=(0.7 * width, 0.7 * height), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    return figure, axes


def box(axes: Axes, at: Point, text: str, width: float = 0.9) -> None:
    x, y = at
    corner, size = (x - width / 2 + 0.1, y - 0.2), (width - 0.2, 0.4)
    axes.add_patch(FancyBboxPatch(corner, *size, "round,pad=0.1", facecolor="#F2F2F2", edgecolor=INK, zorder=2))
    axes.text(x, y, text, ha="center", va="center", color=INK, zorder=3)


def operation(axes: Axes, at: Point, sign: str) -> None:
    axes.plot(*at, "o", markersize=18, color="white", zorder=2)
    axes.text(*at, f"${sign}$", ha="center", va="center", color=INK, fontsize=27, zorder=3)


def line(axes: Axes, *points: Point, color: str = INK, width: float = 1.4, head: bool = True) -> None:
    """A line through the points, with an arrow's head at the last."""
    axes.plot(*zip(*points, strict=True), color=color, linewidth=width, solid_joinstyle="round", zorder=1)
    if head:
        arrow(axes, points[-2], points[-1], color, width)


def arrow(axes: Axes, start: Point, end: Point, color: str, width: float = 1.4, gap: float = 0) -> None:
    style = {"arrowstyle": "-|>,head_width=0.25,head_length=0.5", "shrinkA": gap, "shrinkB": gap}
    axes.annotate("", end, start, arrowprops={**style, "color": color, "linewidth": width}, zorder=1)


def label(axes: Axes, at: Point, text: str, color: str = INK, size: float = 14) -> None:
    axes.text(*at, text, ha="center", va="center", color=color, fontsize=size, zorder=4)


def cell() -> Figure:
    """One step of the LSTM."""
    figure, axes = canvas(14, 7)
    frame = FancyBboxPatch((2.1, 1.1), 9.9, 5.2, "round,pad=0.2", facecolor="#FAFAFA", edgecolor="#999999", zorder=0)
    axes.add_patch(frame)
    top, middle, gates, bus = 5.6, 4.2, 2.9, 1.7
    line(axes, (1, top), (13, top), color=CELL, width=3)
    line(axes, (1, bus), (9.2, bus), head=False)
    line(axes, (2.6, 0.5), (2.6, bus), head=False)
    axes.plot(2.6, bus, "o", color=INK, markersize=5)
    for x, q in ((3.6, "f"), (5.2, "i"), (7.2, "g"), (9.2, "o")):
        line(axes, (x, bus), (x, gates - 0.3))
        box(axes, (x, gates), r"$\tanh$" if q == "g" else r"$\sigma$")
        label(axes, (x + 0.37, bus + 0.42), f"$a^{q}_t$")
        label(axes, (x + (-0.3 if q == "o" else 0.3), gates + 0.62), f"${q}_t$")
    line(axes, (3.6, gates + 0.3), (3.6, top - 0.27))
    line(axes, (5.2, gates + 0.3), (5.2, middle), (5.93, middle))
    line(axes, (7.2, gates + 0.3), (7.2, middle), (6.47, middle))
    line(axes, (6.2, middle), (6.2, top - 0.27))
    line(axes, (9.2, gates + 0.3), (9.2, 3.75), (10.63, 3.75))
    line(axes, (10.9, top), (10.9, 4.02))
    line(axes, (10.9, 3.75), (10.9, bus), (13, bus))
    box(axes, (10.9, 4.75), r"$\tanh$")
    for at, sign in (
        ((3.6, top), r"\odot"),
        ((6.2, middle), r"\odot"),
        ((6.2, top), r"\oplus"),
        ((10.9, 3.75), r"\odot"),
    ):
        operation(axes, at, sign)
    label(axes, (0.55, top), "$C_{t-1}$", CELL, 17)
    label(axes, (13.45, top), "$C_t$", CELL, 17)
    label(axes, (0.55, bus), "$h_{t-1}$", size=17)
    label(axes, (13.45, bus), "$h_t$", size=17)
    label(axes, (2.6, 0.3), "$x_t$", size=17)
    label(axes, (6.6, 1.2), r"$a^q_t = W_q\, x_t + U_q\, h_{t-1} + b_q$", size=13)
    return figure


def two_steps() -> Figure:
    """Two steps: what is computed from what, and the ways that gradients take back."""
    figure, axes = canvas(15.4, 9.2)
    columns, cell_row, hidden_row = (0.8, 7, 13.2), 8.4, 3.6
    for t, x in enumerate(columns):
        node(axes, (x, cell_row), f"$C_{t}$", CELL)
        node(axes, (x, hidden_row), f"$h_{t}$")
        if t:
            before = columns[t - 1]
            step(axes, t, (before, cell_row), (x, cell_row), (before, hidden_row), (x, hidden_row))
    return figure


def step(axes: Axes, t: int, cell_before: Point, cell: Point, hidden_before: Point, hidden: Point) -> None:
    """Step t, between the states before it and after it."""
    x, y = (cell_before[0] + cell[0]) / 2, 6
    symbol, loss = (x - 0.5, hidden[1] - 0.5), (hidden[0], 0.9)
    box(axes, (x, y), rf"$a^i_{t}\quad a^f_{t}\quad a^g_{t}\quad a^o_{t}$", width=3)
    node(axes, symbol, f"$x_{t}$")
    node(axes, loss, f"$L_{t}$")
    both(axes, cell_before, cell, rf"$\mathrm{{diag}}(f_{t})$", (0, 0.4))
    both(axes, (x + 0.1, y + 0.1), cell, f"$G^q_{t}$", (-0.4, 0.35))
    both(axes, (x + 1, y - 0.1), hidden, f"$D^o_{t}$", (0.5, 0.2))
    both(axes, cell, hidden, rf"$\mathrm{{diag}}(s_{t})$", (0.95, 1.2))
    both(axes, hidden_before, (x - 1, y - 0.1), r"$U_q^{\,\top}$", (-0.3, 0.5))
    both(axes, symbol, (x - 0.5, y), r"$W_q^{\,\top}$", (-0.6, 0))
    both(axes, hidden, loss, rf"$W_y^{{\,\top}}(p_{t} - y_{t})$", (1.35, 0))


def node(axes: Axes, at: Point, text: str, color: str = INK) -> None:
    axes.plot(*at, "o", markersize=31, markerfacecolor="white", markeredgecolor=color, markeredgewidth=1.6, zorder=2)
    label(axes, at, text, color, 16)


def both(axes: Axes, cause: Point, result: Point, factor: str, beside: Point) -> None:
    """An arrow from the cause to the result, and along it the gradient's way back, with its factor on that side."""
    (x, y), (right, up) = np.array([cause, result]).mean(axis=0), np.subtract(result, cause)
    aside = 0.09 * np.array([-up, right]) / np.hypot(right, up)
    aside *= np.sign(aside @ beside)
    arrow(axes, cause - aside, result - aside, FORTH, gap=17)
    arrow(axes, result + aside, cause + aside, BACK, 1.7, gap=17)
    label(axes, (x + beside[0], y + beside[1]), factor, BACK, 14)


def main() -> None:
    """Write both as SVG."""
    matplotlib.rc("svg", hashsalt="tang", fonttype="path")
    matplotlib.rc("mathtext", fontset="cm")
    matplotlib.rc("font", size=13)
    for drawing in (cell, two_steps):
        drawing().savefig(FOLDER / f"{drawing.__name__}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
