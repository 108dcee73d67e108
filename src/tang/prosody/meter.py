"""The regulated forms (近体诗): which tone stands where, and what breaks it.

A line of five characters is one of four, and of seven one of these with two characters before it whose
tone is the opposite of that which follows::

    仄仄平平仄   平平仄仄平   平平平仄仄   仄仄仄平平
    平平 …       仄仄 …       仄仄 …       平平 …

Which one a line is follows from the tone of its second character and from its end. The second characters
of a couplet's lines differ (对), those of a couplet's last and the next one's first line agree (粘);
even lines end in 平 and rhyme, odd ones in 仄, but for the first, which may rhyme too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, pairwise
from typing import Literal, NamedTuple

from tang.errors import InputError
from tang.prosody.rhymes import Tone, common_groups, tones
from tang.text.forms import Form
from tang.text.script import Script

Strictness = Literal["strict", "loose"]
Fault = Literal["孤平", "三平尾", "三仄尾"]

_OTHER: dict[str, Tone] = {"平": "仄", "仄": "平"}

# (tone of the second character, tone of the last) → the line of five.
_LINES: dict[tuple[Tone, Tone], str] = {
    ("仄", "仄"): "仄仄平平仄",
    ("平", "平"): "平平仄仄平",
    ("平", "仄"): "平平平仄仄",
    ("仄", "平"): "仄仄仄平平",
}

_STRICT = {
    "仄仄平平仄": "中仄平平仄",
    "平平仄仄平": "平平仄仄平",
    "平平平仄仄": "中平平仄仄",
    "仄仄仄平平": "中仄仄平平",
}
"""With 中 where either tone may stand."""

_LICENCES = {"平平平仄仄": "中平仄平仄"}
"""What Tang poets wrote in its place as freely: its third and fourth tone changed about (特拗)."""


class Pattern(NamedTuple):
    """The tones of a regulated poem's characters."""

    lines: tuple[str, ...]
    """As the textbook prints them: ``("仄仄平平仄", "平平仄仄平", …)``."""
    start: Tone
    """Of the first line's second character: 平起 or 仄起."""
    first_rhymes: bool
    """Whether the first line rhymes, and so ends in 平."""

    def __str__(self) -> str:
        return f"{self.start}起首句{'入' if self.first_rhymes else '不入'}韵"

    def wanted(self, strictness: Strictness) -> tuple[str, ...]:
        """The lines with 中 where either tone may stand.

        Loosely only the second, fourth, sixth and last character of a line are bound (一三五不论); strictly
        so many more that no freedom makes 孤平, 三平尾 or 三仄尾.
        """
        return tuple(_wanted(line, strictness)[0] for line in self.lines)


@dataclass(frozen=True)
class Slip:
    """A character none of whose readings has the tone that its place wants."""

    line: int
    """From 1."""
    place: int
    """In the line, from 1."""
    character: str
    wanted: str
    """平 or 仄."""


@dataclass(frozen=True)
class Break:
    """Two lines in a row whose second characters don't stand as they should."""

    kind: Literal["失对", "失粘"]
    line: int
    """The second of them, from 1."""


def rhyming_lines(lines: int, first_rhymes: bool) -> list[int]:
    """The indices, from 0, of the lines that rhyme: 1, 3, 5 …, and 0 if the first line does too."""
    return [*([0] if first_rhymes else []), *range(1, lines, 2)]


def is_regulated(form: Form) -> bool:
    """Whether regulated poems have this form: lines of five or seven, an even number, four at least."""
    return form.chars in (5, 7) and form.lines >= 4 and form.lines % 2 == 0


@cache
def patterns(form: Form) -> tuple[Pattern, ...]:
    """The four patterns of ``form``.

    Raises:
        InputError: it has none.
    """
    if not is_regulated(form):
        raise InputError(
            f"{form} has no tone pattern; regulated poems have lines of 5 or 7 characters, an even number, 4 at least"
        )
    starts: tuple[Tone, ...] = ("仄", "平")
    return tuple(
        Pattern(_lines(form, start, first_rhymes), start, first_rhymes)
        for start in starts
        for first_rhymes in (False, True)
    )


def _lines(form: Form, start: Tone, first_rhymes: bool) -> tuple[str, ...]:
    rhyming = rhyming_lines(form.lines, first_rhymes)
    second, lines = start, []
    for line in range(form.lines):
        if line % 2:  # 对; the next line follows by 粘
            second = _OTHER[second]
        last: Tone = "平" if line in rhyming else "仄"
        lines.append(_LINES[second, last] if form.chars == 5 else second * 2 + _LINES[_OTHER[second], last])
    return tuple(lines)


@cache
def _wanted(line: str, strictness: Strictness) -> tuple[str, ...]:
    """What a line of a pattern wants, with 中 where either tone may stand; loosely also what it may be instead."""
    before, five = "".join(f"中{tone}" for tone in line[1:-5]), line[-5:]
    if strictness == "strict":
        return (before + _STRICT[five],)
    loose = before + f"中{five[1]}中{five[3:]}"
    return (loose, before + _LICENCES[five]) if five in _LICENCES else (loose,)


def tone_pattern(line: str, script: Script) -> str:
    """The tone of each character of a line: 平, 仄, 中 (it has readings of both) or ？ (it has none)."""
    return "".join("中" if len(of := tones(character, script)) == 2 else next(iter(of), "？") for character in line)


def slips(lines: Sequence[str], pattern: Pattern, strictness: Strictness, script: Script) -> list[Slip]:
    """The characters of ``lines`` none of whose readings has the wanted tone; one without reading is none of them.

    Loosely 平平仄平仄 passes for 平平平仄仄.
    """
    found = []
    for number, (line, usual) in enumerate(zip(lines, pattern.lines, strict=True), 1):
        options = [_slips(number, line, wanted, script) for wanted in _wanted(usual, strictness)]
        found.append(min(options, key=len))
    return list(chain.from_iterable(found))


def _slips(number: int, line: str, wanted: str, script: Script) -> list[Slip]:
    return [
        Slip(number, place, character, tone)
        for place, (character, tone) in enumerate(zip(line, wanted, strict=True), 1)
        if tone != "中" and tones(character, script) == {_OTHER[tone]}
    ]


def nearest(lines: Sequence[str], form: Form, strictness: Strictness, script: Script) -> tuple[Pattern, list[Slip]]:
    """The pattern of ``form`` in which ``lines`` slip least, and the slips.

    Of several, the one whose first line rhymes if that of the poem does, or doesn't if it doesn't.

    Raises:
        InputError: the form has no patterns.
    """
    first, *others = (lines[line][-1] for line in rhyming_lines(form.lines, first_rhymes=True))
    rhymes = any(common_groups([first, other], script) for other in others)
    found = [(pattern, slips(lines, pattern, strictness, script)) for pattern in patterns(form)]
    return min(found, key=lambda item: (len(item[1]), item[0].first_rhymes != rhymes))


def faults(line: str, script: Script) -> list[Fault]:
    """The faults of a line of five or seven, decided only where all readings of its characters agree.

    三平尾 and 三仄尾: the last three characters have one tone. 孤平: a line that ends 平平仄仄平 in the
    pattern has 仄 in the first of these places, so that its 平 stands alone: 仄平仄仄平.
    """
    tail = tone_pattern(line[-5:], script)
    found: dict[str, Fault] = {"平平平": "三平尾", "仄仄仄": "三仄尾"}
    return [found[tail[-3:]]] if tail[-3:] in found else ["孤平"] if tail == "仄平仄仄平" else []


def breaks(lines: Sequence[str], script: Script) -> list[Break]:
    """Where 对 and 粘 fail, by the second characters of two lines in a row, decided where their readings agree."""
    seconds = [tones(line[1], script) for line in lines]
    found = []
    for number, (before, after) in enumerate(pairwise(seconds), 2):
        if len(before) == len(after) == 1:
            if number % 2 == 0 and before == after:
                found.append(Break("失对", number))
            if number % 2 == 1 and before != after:
                found.append(Break("失粘", number))
    return found
