"""Marks for verse that has none: ， and 。 in turn."""

import re
from collections.abc import Iterable
from dataclasses import replace

from tang.text.forms import hanzi, regulated_form, split_lines
from tang.text.line import Line
from tang.text.notes import without_notes

FEW = 0.15  # Share of a file's lines up to which something is an exception there
LONGEST = 14  # Characters of a line of verse at most; a longer one is prose
_COLUMN = re.compile(r"[\t:：]+")  # Sets off a title
_BREAK = re.compile(r"[\s|/\\]+")
_INNER_BREAK = re.compile(r"(?<=\S)[\s|]+(?=\S)")


def in_parts(line: Line) -> Line | None:
    """A line of two or more equal parts as verse with marks, what stands before them as title."""
    *titles, text = [part for part in _COLUMN.split(line.text) if hanzi(part)] or [""]
    parts = parts_of(text)
    if len(parts) < 2:  # the columns are the lines of verse
        titles, parts = [], parts_of(line.text)
    lengths = [len(hanzi(part)) for part in parts]
    equal = 0
    while equal < len(parts) and lengths[-1 - equal] == lengths[-1]:
        equal += 1
    if equal < 2 or not 3 <= lengths[-1] <= LONGEST:
        return None
    return marked(replace(line, title=" ".join([*titles, *parts[:-equal]])), parts[-equal:])


def parts_of(text: str) -> list[str]:
    """The parts of ``text`` between spaces and strokes that have Chinese characters."""
    return [part for part in _BREAK.split(text) if hanzi(part)]


def cut(text: str, chars: int) -> list[str]:
    """The Chinese characters of ``text``, so many at a time."""
    characters = hanzi(text)
    return [characters[start : start + chars] for start in range(0, len(characters), chars)]


def marked(line: Line, parts: list[str]) -> Line:
    """``line`` with ``parts`` as its lines of verse, after which ， and 。 stand in turn."""
    text = "".join(part + "，。"[number % 2] for number, part in enumerate(parts))
    return Line(text[:-1] + "。", "verse", line.title)


def with_marks(lines: Iterable[Line]) -> str:
    """The text of a poem; lines of verse without a mark get ， and 。 in turn, the last one 。."""
    parts = [part for line in lines for part in _broken(line)]
    text, verses = "", 0
    for number, part in enumerate(parts, 1):
        verses += len(part.lengths)
        is_even = verses % 2 == 0 or number == len(parts)
        text += part.text if part.is_ended else part.text + ("。" if is_even else "，")
    return text


def _broken(line: Line) -> list[Line]:
    """A line cut at the spaces in its lines of verse, where all parts are equally long: the marks are missing."""
    if not _INNER_BREAK.search(line.text) or without_notes(line.text).notes:
        return [line]
    cut: list[str] = []
    for piece in split_lines(line.text):
        parts = _INNER_BREAK.split(piece.strip())
        cut += parts if min(map(len, parts)) > 2 and len({len(hanzi(part)) for part in parts}) == 1 else [piece]
    return [Line(part, "verse") for part in cut]


def verse_of(lines: list[Line]) -> str:
    """The text of a poem of these lines, each a line of verse or several, with marks or without."""
    if not any(line.is_marked for line in lines):
        parts = [part for line in lines for part in parts_of(line.text)]
        if len(parts) == 1 and (form := regulated_form(len(hanzi(parts[0])))):
            parts = cut(parts[0], form.chars)
        lines = [Line(part, "verse") for part in parts] or lines
    return with_marks(lines)
