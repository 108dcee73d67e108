"""Verse without marks, told from titles by its parts, by lines of one length, by where it stands in its block."""

from collections import Counter
from collections.abc import Iterable
from itertools import groupby, zip_longest

from tang.text.forms import hanzi, regulated_form
from tang.text.headings import headings
from tang.text.line import Kind, Line, as_kind
from tang.text.marks import FEW, LONGEST, cut, in_parts, marked, parts_of

_WORDS: tuple[Kind, ...] = ("bare", "verse")


def verse_without_marks(lines: list[Line]) -> list[Line]:
    """Tell verse from titles in a text without marks: by parts, or by neighboring lines, of equal length."""
    bare = [line for line in lines if line.kind == "bare"]
    cut_up = [in_parts(line) for line in bare]
    if sum(found is not None for found in cut_up) > len(bare) / 2:
        verse = iter(cut_up)
        return [next(verse) or line if line.kind == "bare" else line for line in lines]
    run_on = {id(line): form for line in bare if (form := regulated_form(len(hanzi(line.text))))}
    if len(run_on) > len(bare) / 2:
        return [marked(line, cut(line.text, form.chars)) if (form := run_on.get(id(line))) else line for line in lines]
    broken = {line.text: parts for line in bare if len(parts := parts_of(line.text)) > 2}
    if 2 * _characters(line for line in bare if line.text in broken) > _characters(bare):
        return [marked(line, broken[line.text]) if line.text in broken else line for line in lines]
    found = _by_neighbors(lines)
    if sum(line.kind == "verse" for line in found) > len(bare) / 2 and not _has_many_within(found):
        return found
    return _below_titles(lines)


def _characters(lines: Iterable[Line]) -> int:
    return sum(len(hanzi(line.text)) for line in lines)


def _has_many_within(lines: list[Line]) -> bool:
    """Whether more than a few of the lines without marks stand within poems, in a text of blocks."""
    if sum(map(_is_blank, lines)) <= FEW / 2 * len(lines):
        return False
    within = (
        before.kind == after.kind == "verse" and line.kind == "bare"
        for before, line, after in zip(lines, lines[1:], lines[2:], strict=False)
    )
    return sum(within) > FEW / 2 * len(lines)


def _below_titles(lines: list[Line]) -> list[Line]:
    """All lines as verse but those that stand as titles and poets before it."""
    blocks = [list(block) for _, block in groupby(lines, _is_blank)]
    words = [[line for line in block if line.kind in _WORDS] for block in blocks]
    words = [block for block in words if block]
    has_titles = sum(line.kind == "title" for line in lines) > FEW * len(words)
    sizes = iter([0] * len(words) if has_titles else headings(words))
    found: list[Line] = []
    for block in blocks:
        left = next(sizes) if any(line.kind in _WORDS for line in block) else 0
        for line in block:
            is_word = line.kind in _WORDS
            found.append(as_kind(line, "title" if left > 0 else "verse") if is_word else line)
            left -= is_word
    return found


def _is_blank(line: Line) -> bool:
    return line.kind == "blank"


def _by_neighbors(lines: list[Line]) -> list[Line]:
    """The lines as verse where neighbors are equally long, of lengths that are common in the text.

    Of an odd number, five or more, the first line after a blank one is a title, or else the last one, that of the next
    poem.
    """
    runs = [list(run) for _, run in groupby(lines, lambda line: (line.kind, *line.lengths))]
    sizes = Counter[int]()
    for run in runs:
        if run[0].kind == "bare" and len(run) > 1:
            sizes[run[0].lengths[0]] += len(run)
    common = {size for size, count in sizes.items() if 3 <= size <= LONGEST and count > FEW * sizes.total()}
    found: list[Line] = []
    for run, after in zip_longest(runs, runs[1:]):
        odd = len(run) % 2 if len(run) > 3 else 0
        first, last = (odd, len(run)) if not found or _is_blank(found[-1]) else (0, len(run) - odd)
        if after is None or _is_blank(after[0]):  # no poem follows at once
            last = len(run)
        is_verse = run[0].kind == "bare" and len(run) > 1 and run[0].lengths[0] in common
        found += run[:first]
        found += [as_kind(line, "verse") if is_verse else line for line in run[first:last]]
        found += run[last:]
    return found


def verse_with_few_marks(lines: list[Line]) -> list[Line]:
    """Lines without a mark as verse too, where their neighbors show that only the mark is missing."""
    bare = [number for number, line in enumerate(lines) if line.kind == "bare"]
    like_next = [n for n in bare if n + 1 < len(lines) and _fits(lines[n], lines[n + 1].lengths, lines[n + 1])]
    between = [n for n in like_next if n and _fits(lines[n], lines[n - 1].lengths[-1:], lines[n - 1])]
    in_blocks = sum(map(_is_blank, lines)) > FEW / 2 * len(lines)
    missing = set(like_next if len(like_next) > 0.8 * len(bare) else between if in_blocks else [])
    return [as_kind(line, "verse") if number in missing else line for number, line in enumerate(lines)]


def _fits(line: Line, lengths: tuple[int, ...], neighbor: Line) -> bool:
    return neighbor.kind == "verse" and line.lengths == lengths
