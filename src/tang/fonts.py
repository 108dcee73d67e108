"""Fonts for pictures with Chinese in them."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import accumulate
from pathlib import Path

import matplotlib
from matplotlib import font_manager

logging.getLogger("matplotlib").setLevel(logging.WARNING)  # at its first use it logs that it lists the fonts

CHINESE = (  # Names of font files with Chinese, on Linux, macOS and Windows
    *("NotoSansCJK-Regular", "NotoSansCJKsc-Regular", "NotoSansSC-Regular", "NotoSerifCJK-Regular"),
    *("SourceHanSansSC-Regular", "wqy-microhei", "wqy-zenhei", "DroidSansFallbackFull"),
    *("PingFang", "Hiragino Sans GB", "STHeiti Light", "msyh", "simhei", "simsun"),
)


@cache
def fonts() -> list[str]:
    """matplotlib's default font, then one with Chinese if there is one, even if matplotlib's cached list lacks it."""
    found = {Path(path).stem: path for path in font_manager.findSystemFonts()}
    chinese = [found[name] for name in CHINESE if name in found][:1]
    for path in chinese:
        font_manager.fontManager.addfont(path)
    return ["DejaVu Sans", *(font_manager.get_font(path).family_name for path in chinese)]


@cache
def characters() -> frozenset[int]:
    """Code points that :func:`fonts` can show."""
    paths = [font_manager.findfont(name) for name in fonts()]
    return frozenset(code for path in paths for code in font_manager.get_font(path).get_charmap())


def label(text: str) -> str:
    """``text`` for a picture: characters that no font has as escapes, the middle of a long text left out."""
    shown = [letter if ord(letter) in characters() else f"\\u{ord(letter):04x}" for letter in text]
    if sum(map(len, shown)) > 28:
        shown = [*_fitting(shown, 13), "…", *reversed(_fitting(shown[::-1], 14))]
    return "".join(shown).replace("$", r"\$")


def _fitting(parts: Sequence[str], width: int) -> list[str]:
    """The first ``parts`` that have ``width`` characters at most."""
    return [part for part, end in zip(parts, accumulate(map(len, parts)), strict=True) if end <= width]


@contextmanager
def with_chinese() -> Iterator[None]:
    """Draw with :func:`fonts`; texts are to go through :func:`label`."""
    with matplotlib.rc_context({"font.family": fonts()}):
        yield
