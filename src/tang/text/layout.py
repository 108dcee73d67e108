"""Poems in a text file: what a poem is and what its title, found out from the whole file."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from statistics import fmean, median
from typing import Literal, NamedTuple

from tang.errors import InputError
from tang.text.line import Line, is_regulated
from tang.text.lines import read_lines
from tang.text.marks import FEW, with_marks
from tang.text.tally import Tally

Layout = Literal["line", "block", "titled"]
LAYOUTS: dict[Layout, str] = {
    "line": "one a line",
    "block": "in blocks between blank lines",
    "titled": "under titles",
}
LEFT_OUT = {"prose": "prose", "commentary": "prose", "preface": "prefaces", "attribution": "lines after a poem"}
_PART = re.compile(r"其?[一二三四五六七八九十]{1,3}|其\d+")  # Title of a poem in a group
STANZAS = "in stanzas, with more than one blank line between the poems"
MANY_LINES = 64  # Without a blank line or a title so many lines are no longer one poem


class Found(NamedTuple):
    """A poem as it stands in a file, with marks, in plain characters."""

    text: str
    title: str = ""


@dataclass
class Run:
    """Lines of verse that follow one another, and the title before them."""

    title: str
    lines: list[Line] = field(default_factory=list)


def find_poems(text: str, name: str, layout: Layout | None = None) -> tuple[list[Found], str, Tally]:
    """The poems in a text of plain characters, how they stand there in words, and what else stands there.

    ``layout`` None finds out how they stand; an InputError names the file, ``name``, where that can't be told.
    """
    left_out = Tally()
    lines = _single_spaced(read_lines(text))
    runs = list(_runs(lines, left_out))
    if not runs:
        return [], "", left_out
    has_stanzas = False
    if layout is None and not any(run.title for run in runs) and (joined := _with_stanzas_joined(lines)):
        has_stanzas, layout, left_out = True, "block", Tally()
        runs = list(_runs(joined, left_out))
    layout = layout or _layout(runs, name)
    poems = [Found(with_marks(poem.lines), poem.title) for poem in _grouped(runs, layout, left_out)]
    titles = [poem.title for poem in poems if poem.title]
    for title in titles:
        left_out.add("titles", title)
    way = (STANZAS if has_stanzas else LAYOUTS[layout]) if len(poems) > 1 else ""
    return poems, way + (", with titles" if layout != "titled" and len(titles) > len(poems) / 2 else ""), left_out


def _gaps(lines: Sequence[Line]) -> list[int]:
    """The numbers of blank lines between any two others."""
    words = [number for number, line in enumerate(lines) if line.kind != "blank"]
    return [after - before - 1 for before, after in pairwise(words)]


def _single_spaced(lines: list[Line]) -> list[Line]:
    """The lines with one blank line less between any two, if the text is double-spaced."""
    gaps = _gaps(lines)
    if not gaps or min(gaps) == 0 or max(gaps) == 1:
        return lines
    kept = (after for before, after in pairwise(lines) if after.kind != "blank" or before.kind == "blank")
    return [lines[0], *kept]


def _with_stanzas_joined(lines: Sequence[Line]) -> list[Line] | None:
    """The lines without single blank ones, which part stanzas, if more of them part the poems."""
    gaps = [gap for gap in _gaps(lines) if gap]
    single = gaps.count(1)
    blocks = [list(block) for is_blank, block in groupby(lines, lambda line: line.kind == "blank") if not is_blank]
    if not FEW * len(gaps) < single < (1 - FEW) * len(gaps) or 2 * sum(map(is_regulated, blocks)) > len(blocks):
        return None
    around = zip([*lines[:1], *lines], lines, [*lines[1:], *lines[-1:]], strict=False)
    return [line for before, line, after in around if line.kind != "blank" or "blank" in (before.kind, after.kind)]


def _runs(lines: Sequence[Line], left_out: Tally) -> Iterator[Run]:
    """The runs of verse with their titles; what is neither is counted in ``left_out``."""
    titles: list[str] = []
    run: Run | None = None
    last: Run | None = None
    group: list[str] = []
    for is_blank, block in groupby(lines, lambda line: line.kind == "blank"):
        has_verse = False
        for line in () if is_blank else block:
            if line.kind == "verse":
                if run is None or line.title:
                    names, group = _names(titles, group, left_out)
                    run = last = Run(" ".join([*names, *([line.title] if line.title else [])]))
                    yield run
                run.lines.append(line)
                has_verse, titles = True, []
                continue
            if line.kind == "note":
                left_out.add("notes", line.text)
                continue
            if line.kind == "attribution" and last and not last.title and "《" in line.text:
                last.title = line.text
            run = None
            if line.kind in ("bare", "title"):
                titles.append(line.text)
            else:
                left_out.add(LEFT_OUT.get(line.kind, "other lines"), line.text)
        run = None
        if has_verse and len(titles) == 1 and not is_blank:  # the poet's name, after the poem
            left_out.add("lines after a poem", titles.pop())
    for heading in titles:
        left_out.add("headings", heading)


def _names(above: list[str], group: list[str], left_out: Tally) -> tuple[list[str], list[str]]:
    """What names a poem of the lines above it, the last two, and what names the group if it's one of several: 其二."""
    is_part = bool(above and _PART.fullmatch(above[-1]))
    shown = 2 + is_part
    for heading in above[:-shown]:
        left_out.add("headings", heading)
    names = [*group, *above] if is_part and len(above) == 1 else above[-shown:]
    return names, names[:-1] if is_part else names


def _layout(runs: list[Run], name: str) -> Layout:
    """How the poems stand in a file; InputError if that can't be told."""
    lines = [line for run in runs for line in run.lines]
    wrapped = [line for run in runs for line in run.lines[:-1]]
    verses = median(len(line.lengths) for line in lines)  # lines of verse in a line of the file
    open_ended = sum(line.plain.rstrip()[-1:] in "，；" or len(line.lengths) == 1 for line in wrapped)
    is_open = open_ended > FEW * len(wrapped)  # whether poems go on at the end of a line
    longest = max(len(run.lines) for run in runs)
    if longest > MANY_LINES and longest > len(lines) / 2:
        if not is_open and verses >= 2:
            return "line"
        raise InputError(
            f"{name}: can't tell where a poem ends; give data.layout=line or titled, or put a blank line between poems"
        )
    titled = sum(bool(run.title) for run in runs) / len(runs)
    # One title before several runs is a heading, before two it may be that of a song's two halves.
    is_heading = titled * len(runs) <= 1 and len(runs) > 2
    has_parts = FEW < titled < 0.75 and not is_heading and not all(is_regulated(run.lines) for run in runs)
    if has_parts and not any(line.title for line in lines):
        return "titled"  # blank lines stand within poems too
    if not wrapped:
        return "line"
    if len(runs) == 1 and runs[0].title and verses >= 3 and not is_open:
        if len(lines) > 2:
            raise InputError(f"{name}: is it one poem, or are its poems one a line? give data.layout=block or line")
        return "block"
    if len(runs) == 1:
        return "line" if verses >= 3 and not is_open else "block"
    are_whole = all(is_regulated([line]) for line in wrapped)
    if verses <= 3 or is_open or (titled > 0.5 and (not are_whole or longest <= 2)):
        return "block"
    if fmean(len(run.lines) for run in runs) > 8:
        return "line"
    if are_whole:
        raise InputError(
            f"{name}: are its poems one a line, or in blocks between blank lines? give data.layout=line or block"
        )
    return "block"


def _grouped(runs: list[Run], layout: Layout, left_out: Tally) -> Iterator[Run]:
    """A run for each poem."""
    if layout == "line":
        for run in runs:
            if run.title and len(run.lines) > 1:
                left_out.add("headings", run.title)
            yield from (Run(run.title if len(run.lines) == 1 else "", [line]) for line in run.lines)
        return
    poem = Run(runs[0].title)
    for run in runs:
        if poem.lines and (layout == "block" or run.title):
            yield poem
            poem = Run(run.title)
        poem.lines.extend(run.lines)
    yield poem
