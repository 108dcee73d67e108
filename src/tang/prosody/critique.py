"""What prosody has to say of any text: form, tones, rhyme, repetitions.

The rules are those of the regulated forms, but nothing is asked of the text: what has no such form gets
its tones and rhymes read all the same.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from tang.errors import InputError
from tang.prosody.meter import (
    Break,
    Fault,
    Slip,
    Strictness,
    breaks,
    faults,
    is_regulated,
    nearest,
    rhyming_lines,
    tone_pattern,
)
from tang.prosody.rhymes import Group, groups, readings
from tang.text.forms import LINE_END, Form, hanzi, regulated_form, split_lines
from tang.text.script import MARKS, Script, convert


@dataclass(frozen=True)
class Line:
    """Of a poem."""

    text: str
    """Characters alone."""
    mark: str
    """After them: its own, or where it has none ， and 。 in turn."""
    tones: str
    """Of each character 平, 仄, 中 (it has readings of both) or ？ (it has none)."""
    groups: list[str]
    """The rhyme groups of the last character, in the book's order."""
    faults: list[Fault]
    """Of a regulated form's line."""


@dataclass(frozen=True)
class Meter:
    """The regulated pattern that a poem is nearest to."""

    pattern: str
    wanted: list[str]
    """Of each line the tones, 中 where either may stand."""
    slips: list[Slip]


@dataclass(frozen=True)
class Critique:
    """Lines are counted from 1."""

    script: Script
    form: str | None
    """None if the lines aren't equally long."""
    lines: list[Line]
    unequal: list[int]
    """Lines of another length than most."""
    strict: Meter | None
    """None, as ``loose``, if no regulated poem has this form."""
    loose: Meter | None
    breaks: list[Break]
    """Of a regulated form."""
    rhyming: list[int]
    """The lines that should rhyme: the even ones, and the first if it does, or if the pattern wants it."""
    rhyme: list[str]
    """The groups that most of these share, two at least; 平 groups rather than 仄."""
    off_rhyme: list[int]
    """出韵: those of them whose character has readings, but none in ``rhyme``."""
    repeated: dict[str, list[int]]
    """Characters that stand in several places → their lines; 青青 is one place."""
    reduplicated: list[str]
    unknown: list[str]
    """Characters without reading."""
    is_regular: bool
    """A regulated form without loose slip, 孤平, 三平尾 and 出韵 that rhymes in 平."""

    @property
    def verse(self) -> str:
        """The poem with its marks, in one line."""
        return "".join(line.text + line.mark for line in self.lines)


def critique(text: str, script: Script | None = None, source: str = "poem") -> Critique:
    """The critique of ``text``: lines end at marks and line breaks, all but Chinese characters is left out.

    Rows without a mark before rows that all have one, title and poet, are left out too. A text without marks
    and line breaks, as long as one of the four usual forms, is cut as that form's.

    Args:
        text: a poem, or anything.
        script: what it is written in; None: traditional if conversion to simplified changes it.
        source: where it is from, for the error.

    Raises:
        InputError: it has no Chinese character.
    """
    texts, marks = _cut(text)
    if not texts:
        raise InputError(f"{source}: no Chinese characters")
    if script is None:
        whole = "".join(texts)
        script = "simplified" if convert([whole], "simplified") == [whole] else "traditional"
    usual = Counter(map(len, texts)).most_common(1)[0][0]
    unequal = [number for number, line in enumerate(texts, 1) if len(line) != usual]
    form = None if unequal else Form(usual, len(texts))
    is_verse = form is not None and is_regulated(form)
    lines = [
        Line(
            line, mark, tone_pattern(line, script), _names(_end(line, script)), faults(line, script) if is_verse else []
        )
        for line, mark in zip(texts, marks, strict=True)
    ]
    strict, loose = (_meter(texts, form, strictness, script) for strictness in ("strict", "loose"))
    rhyming, rhyme, off_rhyme = _rhyme([_end(line, script) for line in texts], loose)
    repeated, reduplicated = repetitions(texts)
    is_regular = (
        (loose is not None and not loose.slips)
        and not {"孤平", "三平尾"} & {fault for line in lines for fault in line.faults}
        and (bool(rhyme) and "平" in rhyme[0] and not off_rhyme)
    )
    unknown = [character for character in dict.fromkeys("".join(texts)) if not readings(character, script)]
    return Critique(
        script=script,
        form=str(form) if form else None,
        lines=lines,
        unequal=unequal,
        strict=strict,
        loose=loose,
        breaks=breaks(texts, script) if is_verse else [],
        rhyming=rhyming,
        rhyme=rhyme,
        off_rhyme=off_rhyme,
        repeated=repeated,
        reduplicated=reduplicated,
        unknown=unknown,
        is_regular=is_regular,
    )


def _cut(text: str) -> tuple[list[str], list[str]]:
    """The characters of each line, and the mark after them."""
    rows = [row for row in ("".join(row.split()).translate(MARKS) for row in text.splitlines()) if row]
    marked = [row for row in rows if set(LINE_END) & set(row)]
    if marked and rows[-len(marked) :] == marked:  # what stands before them is the title and the poet
        rows = marked
    lines = [line for row in rows for line in split_lines(row) if hanzi(line)]
    texts = [hanzi(line) for line in lines]
    if len(texts) == 1 and not set(LINE_END) & set(lines[0]):
        whole = regulated_form(len(texts[0]))
        chars = whole.chars if whole else len(texts[0])
        lines = texts = [texts[0][start : start + chars] for start in range(0, len(texts[0]), chars)]
    marks = [line[-1] if line[-1] in LINE_END else "，。"[number % 2] for number, line in enumerate(lines)]
    return texts, marks


def _end(line: str, script: Script) -> frozenset[Group]:
    return readings(line[-1], script)


def _names(found: Iterable[Group]) -> list[str]:
    return [str(group) for group in sorted(found, key=groups().index)]


def _meter(lines: Sequence[str], form: Form | None, strictness: Strictness, script: Script) -> Meter | None:
    if form is None or not is_regulated(form):
        return None
    pattern, slips = nearest(lines, form, strictness, script)
    return Meter(str(pattern), list(pattern.wanted(strictness)), slips)


def _rhyme(ends: Sequence[frozenset[Group]], meter: Meter | None) -> tuple[list[int], list[str], list[int]]:
    """``rhyming``, ``rhyme`` and ``off_rhyme``."""
    even = rhyming_lines(len(ends), first_rhymes=len(ends) < 4)  # of two or three lines the first must be one
    counts = Counter(group for line in even for group in ends[line])
    shared = {group for group, count in counts.items() if count == max(counts.values()) > 1}
    shared = {group for group in shared if group.tone == "平"} or shared
    first_rhymes = 0 in even or bool(ends[0] & shared) or (meter is not None and meter.wanted[0].endswith("平"))
    lines = rhyming_lines(len(ends), first_rhymes)
    off = [line + 1 for line in lines if shared and ends[line] and not ends[line] & shared]
    return [line + 1 for line in lines], _names(ends[0] & shared or shared), off


def repetitions(lines: Sequence[str]) -> tuple[dict[str, list[int]], list[str]]:
    """``repeated`` and ``reduplicated`` of a :class:`Critique`."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    reduplicated = []
    for number, line in enumerate(lines, 1):
        for character, run in groupby(line):
            places[character].append(number)
            if len(whole := "".join(run)) > 1:
                reduplicated.append(whole)
    return {character: where for character, where in places.items() if len(where) > 1}, reduplicated
