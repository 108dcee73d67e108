"""How pictures of sweeps look: letters that every font has, colours, and places for values on an axis."""

import logging
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.colors import Normalize

from tang.reporting.configurations import Sweep
from tang.sweeps.summary import as_number, shorten

logging.getLogger("matplotlib").setLevel(logging.WARNING)  # the first time it tells of its list of fonts

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's, which the colour-blind can tell apart."""

CHINESE = (
    *("NotoSansCJK-Regular", "NotoSansCJKsc-Regular", "NotoSansSC-Regular", "NotoSerifCJK-Regular"),
    *("SourceHanSansSC-Regular", "wqy-microhei", "wqy-zenhei", "DroidSansFallbackFull"),
    *("PingFang", "Hiragino Sans GB", "STHeiti Light", "msyh", "simhei", "simsun"),
)
"""Files of fonts with Chinese, on Linux, macOS and Windows."""

FEW = 8
"""So many values of a number have places of their own; more are a range."""

BINS = 6
"""Parts of such a range in a heat map, each as wide as the others."""


@cache
def fonts() -> list[str]:
    """matplotlib's own font, then one with Chinese if there is one, even if it is newer than matplotlib's list."""
    found = {Path(path).stem: path for path in font_manager.findSystemFonts()}
    chinese = [found[name] for name in CHINESE if name in found][:1]
    for path in chinese:
        font_manager.fontManager.addfont(path)
    return ["DejaVu Sans", *(font_manager.get_font(path).family_name for path in chinese)]


@cache
def characters() -> frozenset[int]:
    """What :func:`fonts` can show."""
    paths = [font_manager.findfont(name) for name in fonts()]
    return frozenset(code for path in paths for code in font_manager.get_font(path).get_charmap())


@contextmanager
def drawing() -> Iterator[None]:
    """Within it figures are made with these fonts."""
    with matplotlib.rc_context({"font.family": fonts()}):
        yield


def label(text: str, most: int = 28) -> str:
    """``text`` for a picture: what no font shows as its code, the middle of a long one left out."""
    shown = "".join(letter if ord(letter) in characters() else f"\\u{ord(letter):04x}" for letter in text)
    if len(shown) > most:
        shown = f"{shown[: most // 2 - 1]}…{shown[-most // 2 :]}"
    return shown.replace("$", r"\$")


def names(keys: Sequence[str]) -> dict[str, str]:
    """Each key by its last part, where that is its alone."""
    last = [key.rpartition(".")[2] for key in keys]
    return {key: name if last.count(name) == 1 else key for key, name in zip(keys, last, strict=True)}


@dataclass(frozen=True)
class Scale:
    """Places for the values of a key."""

    place: Mapping[str, float]
    """From 0 to 1, along an axis."""
    ticks: Sequence[tuple[float, str]]
    """Places and what stands there."""
    cell: Mapping[str, int]
    """The column or row of a heat map, and"""
    cells: Sequence[str]
    """what it is called."""


def scale(values: Sequence[str]) -> Scale:
    """Numbers in their order, other values in that of ``values``; many numbers as a range.

    The range is logarithmic if their median is nearer to its middle then.
    """
    distinct = list(dict.fromkeys(values))
    numbers = {value: number for value in distinct if (number := as_number(value)) is not None}
    if len(numbers) == len(distinct) > FEW:
        return _range(numbers)
    if len(numbers) == len(distinct):
        distinct.sort(key=numbers.__getitem__)
    step = 1 / max(1, len(distinct) - 1)
    place = {value: number * step for number, value in enumerate(distinct)}
    shown = [label(text) for text in shorten(distinct).values()]
    cell = {value: number for number, value in enumerate(distinct)}
    return Scale(place, list(zip(place.values(), shown, strict=True)), cell, shown)


def _range(numbers: Mapping[str, float]) -> Scale:
    low, middle, high = (function(numbers.values()) for function in (min, statistics.median, max))
    is_log = low > 0 and abs(middle - math.sqrt(low * high)) < abs(middle - (low + high) / 2)
    start, end = (math.log(low), math.log(high)) if is_log else (low, high)
    place = {
        value: ((math.log(number) if is_log else number) - start) / (end - start) for value, number in numbers.items()
    }
    edges = [math.exp(edge) if is_log else edge for edge in np.linspace(start, end, BINS + 1)]
    shown = [f"{edge:.2g}" for edge in edges]
    cell = {value: min(int(share * BINS), BINS - 1) for value, share in place.items()}
    ticks = [(number / BINS, text) for number, text in enumerate(shown)]
    return Scale(place, ticks, cell, [f"{one}–{other}" for one, other in pairwise(shown)])


def weight(sweep: Sweep, key: str) -> float:
    """How far the best finite losses at the values of ``key``, or in the parts of their range, lie apart."""
    cell = scale([setting.values[key] for setting in sweep.settings]).cell
    best: dict[int, float] = {}
    for setting in sweep.settings:
        if setting.is_finite:
            best.setdefault(cell[setting.values[key]], setting.loss)
    return max(best.values()) - min(best.values()) if best else 0.0


def colours(losses: Sequence[float]) -> tuple[Normalize, bool]:
    """Colours for finite losses, and whether some are beyond their end: a few bad ones don't wash out the others."""
    finite = list(filter(math.isfinite, losses))
    low, high = min(finite), max(finite)
    most = float(np.quantile(finite, 0.75))
    end = min(high, most + (most - low)) if most > low else high
    return Normalize(low, end if end > low else low + 1e-3), end < high
