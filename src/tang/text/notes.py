"""Notes in brackets, （…）, (…) and 〖…〗, nested ones too. Time is linear, however deep they are."""

import re
from array import array
from collections import deque
from itertools import pairwise
from typing import NamedTuple

LONGEST = 400  # Characters of a note that goes on over lines of a file, at most

_BRACKET = re.compile("[（(〖）)〗]")
_BRACKET_OR_BLANK = re.compile(r"[（(〖）)〗]|\n[^\S\n]*\n")


class Cut(NamedTuple):
    """A text without its notes, and what was cut."""

    text: str
    notes: list[str]  # Of each, inner ones first, its beginning
    unclosed: str  # What stands from a bracket that is never closed to the end


def without_notes(text: str) -> Cut:
    """``text`` without its notes; ( and （ are the same bracket."""
    if not _BRACKET.search(text):
        return Cut(text, [], "")
    kept: list[str] = []
    notes: list[str] = []
    rounds, lenses = array("q"), array("q")  # indices in kept of the open （ and 〖
    position = 0
    for found in _BRACKET.finditer(text):
        bracket = found[0]
        if position < found.start():
            kept.append(text[position : found.start()])
        position = found.end()
        opened, others = (lenses, rounds) if bracket in "〖〗" else (rounds, lenses)
        if bracket in "（(〖":
            opened.append(len(kept))
        elif opened:
            start = opened.pop()
            notes.append("".join(kept[start + 1 : start + 2]))
            del kept[start:]
            while others and others[-1] >= len(kept):
                others.pop()
            continue
        kept.append(bracket)
    kept.append(text[position:])
    end = min([*rounds[:1], *lenses[:1]], default=len(kept))
    return Cut("".join(kept[:end]), notes, "".join(kept[end:]))


def in_one_line(text: str) -> str:
    """``text`` with each note that goes on over lines, up to a blank one, in one line."""
    starts = deque[int](maxlen=LONGEST)
    breaks: set[int] = set()
    for found in _BRACKET_OR_BLANK.finditer(text):
        if found[0] in "（(〖":
            starts.append(found.start())
        elif found[0] not in "）)〗":
            starts.clear()
        elif starts and found.start() - (start := starts.pop()) <= LONGEST:
            breaks.update(number for number in range(start, found.start()) if text[number] == "\n")
    if not breaks:
        return text
    edges = [-1, *sorted(breaks), len(text)]
    return "".join(text[before + 1 : after] for before, after in pairwise(edges))
