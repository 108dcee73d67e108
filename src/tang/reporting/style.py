"""Style of the pictures of sweeps: colors, and the positions of values on an axis."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from matplotlib.colors import Normalize

from tang.fonts import label
from tang.reporting.configurations import SweepResults
from tang.sweeps.summary import as_number, shorten

# The colors of Okabe and Ito, which the color-blind can tell apart; then the same again with other dashes.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES: list[dict[str, Any]] = [{"color": color, "linestyle": dash} for dash in ("-", "--", ":") for color in COLORS]

FEW = 8  # Up to so many numbers have positions of their own; more are shown as a range
BINS = 6  # Bins of equal width of such a range in a heat map


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Key → its last part, or the whole key where several end in the same part."""
    last = [key.rpartition(".")[2] for key in keys]
    return {key: name if last.count(name) == 1 else key for key, name in zip(keys, last, strict=True)}


class Scale(NamedTuple):
    """Positions of a key's values."""

    position: Mapping[str, float]  # Value → position along an axis, from 0 to 1
    ticks: Sequence[tuple[float, str]]  # Positions with their labels
    cell: Mapping[str, int]  # Value → column or row of a heat map
    cell_labels: Sequence[str]


def scale(values: Sequence[str]) -> Scale:
    """Numbers in their order, other values in that of ``values``; many numbers as a range.

    The range is logarithmic if the numbers' median is nearer to its middle then.
    """
    distinct = list(dict.fromkeys(values))
    numbers = {value: number for value in distinct if (number := as_number(value)) is not None}
    if len(numbers) == len(distinct) > FEW:
        return _range(numbers)
    if len(numbers) == len(distinct):
        distinct.sort(key=numbers.__getitem__)
    places = np.linspace(0, 1, len(distinct)).tolist()
    labels = [label(text) for text in shorten(distinct).values()]
    cell = {value: number for number, value in enumerate(distinct)}
    return Scale(dict(zip(distinct, places, strict=True)), list(zip(places, labels, strict=True)), cell, labels)


def _range(numbers: Mapping[str, float]) -> Scale:
    low, middle, high = np.quantile(list(numbers.values()), [0, 0.5, 1]).tolist()
    is_log = low > 0 and abs(middle - math.sqrt(low * high)) < abs(middle - (low + high) / 2)
    forward, backward = (math.log, math.exp) if is_log else (float, float)
    begin, end = forward(low), forward(high)
    position = {value: (forward(number) - begin) / (end - begin) for value, number in numbers.items()}
    edges = [f"{backward(edge):.2g}" for edge in np.linspace(begin, end, BINS + 1)]
    ticks = [(number / BINS, text) for number, text in enumerate(edges)]
    cell = {value: min(int(share * BINS), BINS - 1) for value, share in position.items()}
    return Scale(position, ticks, cell, [f"{one}–{other}" for one, other in pairwise(edges)])


def effect(sweep: SweepResults, key: str) -> float:
    """Range of the best finite losses over the values of ``key``, or over the bins of their range."""
    cell = scale([c.values[key] for c in sweep.configurations]).cell
    finite = [c for c in reversed(sweep.configurations) if c.is_finite]
    best = {cell[c.values[key]]: c.loss for c in finite}  # the last of each cell is its best
    return max(best.values()) - min(best.values()) if best else 0.0


def colors(losses: Sequence[float]) -> tuple[Normalize, bool]:
    """A color scale of finite losses, and whether some lie beyond its end.

    It ends where a few bad losses don't make all others look alike.
    """
    finite = list(filter(math.isfinite, losses))
    low, high = min(finite), max(finite)
    most = float(np.quantile(finite, 0.75))
    end = min(high, most + (most - low)) if most > low else high
    return Normalize(low, end if end > low else low + 1e-3), end < high
