"""A critique of any text as verse, by the rules of the regulated forms: form, tones, rhyme, repetitions."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby

from tang.errors import InputError
from tang.prosody import meter
from tang.prosody.mending import Mend, to_mend
from tang.prosody.meter import Break, Fault, Slip, Strictness
from tang.prosody.rhymes import Group, Readings, groups, readings
from tang.text.characters import GAP, GAP_SIGN, normalize
from tang.text.forms import LINE_END, Form, hanzi, regulated_form, split_lines
from tang.text.marks import cut
from tang.text.script import MARKS, Script, convert


@dataclass(frozen=True)
class Line:
    """A line of a poem."""

    text: str  # characters alone, without marks
    mark: str  # the mark after them; a line that has none gets ， or 。 in turn
    tones: str  # for each character 平, 仄, 中 (it has readings of both) or ？ (it has none)
    groups: list[str]  # the rhyme groups of the last character, in the book's order
    faults: list[Fault]  # none unless the form is regulated


@dataclass(frozen=True)
class Meter:
    """The regulated pattern that a poem is nearest to."""

    pattern: str
    wanted: list[str]  # the tones of each line, 中 where either may stand
    slips: list[Slip]


@dataclass(frozen=True)
class Critique:
    """The result of the prosodic analysis of a poem; lines are counted from 1."""

    script: Script
    form: str | None  # None if the lines aren't equally long
    lines: list[Line]
    unequal: list[int]  # lines of another length than most
    strict: Meter | None  # None, as ``loose``, if no regulated poem has this form
    loose: Meter | None
    breaks: list[Break]  # none unless the form is regulated
    rhyming: list[int]  # the lines that should rhyme: even ones, and the first if it does or the pattern wants it
    rhyme: list[str]  # the groups that most of these lines share, two at least; 平 groups rather than 仄
    off_rhyme: list[int]  # 出韵, in a regulated form: rhyming lines whose last character has no reading in ``rhyme``
    repeated: dict[str, list[int]]  # characters that stand in several places → their lines; 青青 is one place
    reduplicated: list[str]
    unknown: list[str]  # characters without reading
    to_mend: list[Mend]  # gaps, and what slips or is off the rhyme in a regulated form
    is_regular: bool  # whether the form is regulated, the poem rhymes in 平 and has no loose slip, 孤平, 三平尾 or 出韵

    @property
    def verse(self) -> str:
        """The poem with its marks, in one line."""
        return "".join(line.text + line.mark for line in self.lines)


def critique(text: str, script: Script | None = None, source: str = "poem") -> Critique:
    """Analyze ``text`` as verse: lines end at marks and line breaks, all but Chinese characters is left out.

    A gap, □, is a character of which nothing is known: it is no fault, and named among what is to mend.
    ``script`` None means traditional if conversion to simplified changes the text. An InputError names the ``source``
    of a text without Chinese characters.
    """
    texts, marks = _split(GAP.sub(GAP_SIGN, normalize(text)))
    if not "".join(texts).strip(GAP_SIGN):
        raise InputError(f"{source}: no Chinese characters")
    whole = "".join(texts)
    if script is None:
        script = "simplified" if convert([whole], "simplified") == [whole] else "traditional"
    usual = Counter(map(len, texts)).most_common(1)[0][0]
    unequal = [number for number, line in enumerate(texts, 1) if len(line) != usual]
    form = None if unequal else Form(usual, len(texts))
    regulated = form if form and meter.is_regulated(form) else None
    ends = [readings(line[-1], script) for line in texts]
    lines = [
        Line(line, mark, meter.tone_pattern(line, script), _names(end), meter.faults(line, script) if regulated else [])
        for line, mark, end in zip(texts, marks, ends, strict=True)
    ]
    strict = _meter(texts, regulated, "strict", script) if regulated else None
    loose = _meter(texts, regulated, "loose", script) if regulated else None
    has_end = [line[-1] != GAP_SIGN for line in texts]
    rhyming, rhyme, off_rhyme = _rhyme(ends, has_end, loose)
    if regulated is None:  # a song or a shape without a pattern doesn't say which lines rhyme: those that do
        rhyming, off_rhyme = sorted({*rhyming} - {*off_rhyme}), []
    rhymes_level = "平" in rhyme[0] and not off_rhyme if rhyme else not any(has_end[1::2])
    grave = {"孤平", "三平尾"} & {fault for line in lines for fault in line.faults}
    repeated, reduplicated = repetitions(texts)
    return Critique(
        script=script,
        form=str(form) if form else None,
        lines=lines,
        unequal=unequal,
        strict=strict,
        loose=loose,
        breaks=meter.breaks(texts, script) if regulated else [],
        rhyming=rhyming,
        rhyme=rhyme,
        off_rhyme=off_rhyme,
        repeated=repeated,
        reduplicated=reduplicated,
        unknown=[
            character for character in dict.fromkeys(whole) if not readings(character, script) and character != GAP_SIGN
        ],
        to_mend=to_mend(
            texts,
            loose.slips if loose else [],
            rhyme,
            off_rhyme,
            rhyming if regulated else [],
            loose.wanted if loose else None,
        ),
        is_regular=loose is not None and not loose.slips and not grave and rhymes_level,
    )


def _split(text: str) -> tuple[list[str], list[str]]:
    """The characters of each line, and the mark after them.

    Rows without a mark before rows that all have one are a title and a poet, and left out. A text without marks and
    line breaks, as long as one of the four usual forms, is cut as that form's::

        静夜思                   no mark: the title
        床前明月光，疑是地上霜。     two lines, as is the next row
        举头望明月，低头思故乡。
    """
    rows = [row for row in ("".join(row.split()).translate(MARKS) for row in text.splitlines()) if row]
    marked = [row for row in rows if set(LINE_END) & set(row)]
    if marked and rows[-len(marked) :] == marked:
        rows = marked
    lines = [line for row in rows for line in split_lines(row) if hanzi(line)]
    texts = [hanzi(line) for line in lines]
    if len(texts) == 1 and not set(LINE_END) & set(lines[0]):
        form = regulated_form(len(texts[0]))
        lines = texts = cut(texts[0], form.chars) if form else texts
    marks = [line[-1] if line[-1] in LINE_END else "，。"[number % 2] for number, line in enumerate(lines)]
    return texts, marks


def _names(found: Collection[Group]) -> list[str]:
    return [str(group) for group in groups() if group in found]


def _meter(lines: Sequence[str], form: Form, strictness: Strictness, script: Script) -> Meter:
    pattern, slips = meter.nearest(lines, form, strictness, script)
    return Meter(str(pattern), list(pattern.wanted(strictness)), slips)


def _rhyme(
    ends: Sequence[Readings], has_end: Sequence[bool], loose: Meter | None
) -> tuple[list[int], list[str], list[int]]:
    """``rhyming``, ``rhyme`` and ``off_rhyme`` of a :class:`Critique`, from the groups of each line's end.

    Where gaps leave but one end to rhyme with, its groups are the rhyme.
    """
    even = meter.rhyming_lines(len(ends), first_rhymes=len(ends) < 4)  # of two or three lines the first must be one
    counts = Counter(group for line in even for group in ends[line])
    least = 1 if sum(has_end[line] for line in even) == 1 < len(even) else 2
    shared = {group for group, count in counts.items() if count == max(counts.values()) >= least}
    shared = {group for group in shared if group.tone == "平"} or shared
    first_rhymes = 0 in even or bool(ends[0] & shared) or (loose is not None and loose.wanted[0].endswith("平"))
    lines = meter.rhyming_lines(len(ends), first_rhymes)
    off = [line + 1 for line in lines if shared and ends[line] and not ends[line] & shared]
    return [line + 1 for line in lines], _names(ends[0] & shared or shared), off


def repetitions(lines: Sequence[str]) -> tuple[dict[str, list[int]], list[str]]:
    """``repeated`` and ``reduplicated`` of a :class:`Critique`."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    reduplicated = []
    for number, line in enumerate(lines, 1):
        for character, run in groupby(line):
            places[character].append(number)
            if len(whole := "".join(run)) > 1 and character != GAP_SIGN:
                reduplicated.append(whole)
    places.pop(GAP_SIGN, None)
    return {character: where for character, where in places.items() if len(where) > 1}, reduplicated
