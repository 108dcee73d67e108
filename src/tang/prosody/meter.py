"""Tone patterns of the regulated forms (近体诗), and how far a poem keeps to them.

A line of five characters is one of four. A line of seven is one of these after two characters whose tone is the
opposite of the second character's::

    仄仄平平仄   平平仄仄平   平平平仄仄   仄仄仄平平
    平平 …       仄仄 …       仄仄 …       平平 …

The tones of a line's second and last character decide which one it is. The second characters of a couplet's two lines
differ (对), those of a couplet's last line and the next couplet's first line agree (粘); even lines end in 平 and
rhyme, odd lines end in 仄, but for the first, which may rhyme too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal, NamedTuple

from tang.errors import InputError
from tang.prosody.rhymes import Tone, common_groups, tones
from tang.text.forms import Form
from tang.text.script import Script

Strictness = Literal["strict", "loose"]
Fault = Literal["孤平", "三平尾", "三仄尾"]

_OTHER: dict[str, Tone] = {"平": "仄", "仄": "平"}

# Tone of the second character, tone of the last → the line of five.
_LINES = {"仄仄": "仄仄平平仄", "平平": "平平仄仄平", "平仄": "平平平仄仄", "仄平": "仄仄仄平平"}

# A line → one that Tang poets wrote in its place as freely: the third and fourth tone exchanged (特拗).
_LICENCES = {"平平平仄仄": "中平仄平仄"}


class Pattern(NamedTuple):
    """The tones of a regulated poem's characters."""

    lines: tuple[str, ...]  # as the textbook prints them: ("仄仄平平仄", "平平仄仄平", …)
    start: Tone  # the tone of the first line's second character: 平起 or 仄起
    first_rhymes: bool  # whether the first line rhymes, and so ends in 平

    def __str__(self) -> str:
        return f"{self.start}起首句{'入' if self.first_rhymes else '不入'}韵"

    def wanted(self, strictness: Strictness) -> tuple[str, ...]:
        """The lines with 中 where either tone may stand.

        The loose reading binds only the second, fourth, sixth and last character of a line (一三五不论), the strict
        one so many more that no choice of tones makes 孤平, 三平尾 or 三仄尾.
        """
        return tuple(_wanted(line, strictness)[0] for line in self.lines)


@dataclass(frozen=True)
class Slip:
    """A character without a reading in the tone that its place wants; line and place are counted from 1."""

    line: int
    place: int
    character: str
    wanted: str  # 平 or 仄


@dataclass(frozen=True)
class Break:
    """Two lines in a row whose second characters agree where they should differ (失对), or the reverse (失粘)."""

    kind: Literal["失对", "失粘"]
    line: int  # the second of the two, from 1


def rhyming_lines(lines: int, first_rhymes: bool) -> list[int]:
    """The indices, from 0, of the lines that rhyme: 1, 3, 5 …, and 0 if the first line does too."""
    return [0] * first_rhymes + list(range(1, lines, 2))


def is_regulated(form: Form) -> bool:
    """Whether regulated poems have this form: lines of five or seven, an even number, four at least."""
    return form.chars in (5, 7) and form.lines >= 4 and form.lines % 2 == 0


@cache
def patterns(form: Form) -> tuple[Pattern, ...]:
    """The four patterns of ``form``, or a couplet's two (对联); an InputError if it has none."""
    if form.chars in (5, 7) and form.lines == 2:
        return tuple(_pattern(form, start, first_rhymes=False) for start in _OTHER.values())
    if not is_regulated(form):
        raise InputError(
            f"{form} has no tone pattern: regulated poems have lines of 5 or 7 characters, an even number; leave out "
            "tones=, or give form=七言绝句"
        )
    return tuple(_pattern(form, start, first_rhymes) for start in _OTHER.values() for first_rhymes in (False, True))


def _pattern(form: Form, start: Tone, first_rhymes: bool) -> Pattern:
    rhyming = set(rhyming_lines(form.lines, first_rhymes))
    second, lines = start, []
    for line in range(form.lines):
        if line % 2:  # 对; the next line follows by 粘
            second = _OTHER[second]
        last = "平" if line in rhyming else "仄"
        lines.append(_LINES[second + last] if form.chars == 5 else second * 2 + _LINES[_OTHER[second] + last])
    return Pattern(tuple(lines), start, first_rhymes)


@cache
def _wanted(line: str, strictness: Strictness) -> tuple[str, ...]:
    """A line of a pattern with 中 where either tone may stand; in the loose reading also its license, if it has one."""
    before, five = "中" + line[1] if len(line) == 7 else "", line[-5:]
    if strictness == "strict":  # the first character is free, but for 平平仄仄平, which it would make 孤平
        return (before + (five if five == "平平仄仄平" else "中" + five[1:]),)
    loose = before + f"中{five[1]}中{five[3:]}"
    return (loose, before + _LICENCES[five]) if five in _LICENCES else (loose,)


def tone_pattern(line: str, script: Script) -> str:
    """The tone of each character of a line: 平, 仄, 中 (it has readings of both) or ？ (it has none)."""
    found = [tones(character, script) for character in line]
    return "".join("中" if len(either) == 2 else next(iter(either), "？") for either in found)


def slips(lines: Sequence[str], pattern: Pattern, strictness: Strictness, script: Script) -> list[Slip]:
    """The characters of ``lines`` without a reading in the wanted tone; characters without any reading never slip."""
    found: list[Slip] = []
    for number, (line, usual) in enumerate(zip(lines, pattern.lines, strict=True), 1):
        by_wanted = [
            [
                Slip(number, place, character, tone)
                for place, (character, tone) in enumerate(zip(line, wanted, strict=True), 1)
                if tone != "中" and tones(character, script) == {_OTHER[tone]}
            ]
            for wanted in _wanted(usual, strictness)
        ]
        fewest = min(by_wanted, key=len)
        found += fewest
    return found


def nearest(lines: Sequence[str], form: Form, strictness: Strictness, script: Script) -> tuple[Pattern, list[Slip]]:
    """The pattern of ``form`` in which ``lines`` slip least, and the slips; an InputError if the form has no patterns.

    Of equally near patterns it is the one whose first line rhymes, or doesn't, as the poem's does.
    """
    first, *others = (lines[line][-1] for line in rhyming_lines(form.lines, first_rhymes=True))
    rhymes = any(common_groups([first, other], script) for other in others)
    found = [(pattern, slips(lines, pattern, strictness, script)) for pattern in patterns(form)]
    return min(found, key=lambda item: (len(item[1]), item[0].first_rhymes != rhymes))


def faults(line: str, script: Script) -> list[Fault]:
    """The faults of a line of five or seven, decided only where all readings of its characters agree.

    三平尾 and 三仄尾: the last three characters have one tone. 孤平: a line that should end in 平平仄仄平 has 仄 in
    the first of these places, so that its 平 stands alone: 仄平仄仄平.
    """
    endings: dict[Fault, str] = {"三平尾": "平平平", "三仄尾": "仄仄仄", "孤平": "仄平仄仄平"}
    five = tone_pattern(line[-5:], script)
    return [fault for fault, ending in endings.items() if five.endswith(ending)]


def breaks(lines: Sequence[str], script: Script) -> list[Break]:
    """The lines where 对 or 粘 fails, by the second characters of two lines in a row, where their tones are clear."""
    seconds = [tones(line[1], script) for line in lines]
    return [
        Break("失粘" if number % 2 else "失对", number)
        for number, (before, after) in enumerate(pairwise(seconds), 2)
        if len(before) == len(after) == 1 and (before == after) == (number % 2 == 0)
    ]
