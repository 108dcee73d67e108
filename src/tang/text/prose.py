"""Prose among the lines of a file: sentences too long for verse, commentary, prefaces of songs."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, takewhile

from tang.text.forms import hanzi
from tang.text.line import Line, as_kind, is_regulated
from tang.text.marks import LONGEST

_LONGEST_MODERN = 20  # Characters of a line of modern verse, which is one in the file too
_NEXT = 20  # Lines, blank ones too, in which a preface ends and its poem begins
_MODERN = re.compile("[的了们們这這那吗嗎呢吧她它您]")
_ABOUT = re.compile(  # Words about a poem, a poet, a reading
    r"此[诗詩词詞]|[全本][诗詩词詞]|[上下][片阕闋]|[首颔頷颈頸尾][联聯]|[首末]句"
    r"|[，,、][字号號][^，,。；]{1,5}[，,。；]|\d{3,4}\s*[—–－～~-]\s*\d{3,4}"
)
_NUMBER = "[正元一二三四五六七八九十廿]+"
_OCCASION = re.compile(  # When it was, and that these are the words written then
    rf"[甲乙丙丁戊己庚辛壬癸][子丑寅卯辰巳午未申酉戌亥]|[岁歲][除暮晚]|{_NUMBER}月(?:{_NUMBER}[日夜]|初{_NUMBER}|既?望|晦|朔)"
    r"|[作赋賦书書填记記成寄题題度制製谱譜名](?:此|之|是|其|一[解阕闋曲首]|小?[词詞曲]|以)|[次用][^，。]{0,6}[韵韻]"
    r"|(?:[赋賦作]|所[见見])(?=。$)"
)
_PARTICLES = re.compile("[余予因乃遂故之也者曰以其而与與于於焉矣尝嘗皆韵韻]")
_TUNE = re.compile(r"[^，。\s]{2,7}[·・•]")


def without_prose(lines: list[Line]) -> list[Line]:
    """The lines with prose for what is no verse though it has marks."""
    alone = [line for line in lines if line.kind == "verse" and len(line.lengths) == 1]
    is_modern = 2 * sum(bool(_MODERN.search(line.text)) for line in alone) > len(alone)
    lines = _with_prefaces(_with_whole_commentary(lines))
    return [as_kind(line, "prose") if line.kind == "verse" and _is_prose(line, is_modern) else line for line in lines]


def _is_prose(line: Line, is_modern: bool) -> bool:
    """Whether a line has a piece too long for verse, or words of prose, and most pieces aren't of one length."""
    longest = _LONGEST_MODERN if is_modern and len(line.lengths) == 1 else LONGEST
    usual = max((line.lengths.count(length) for length in set(line.lengths) if length <= longest), default=0)
    if len(set(line.lengths)) > 1 and _ABOUT.search(line.text):
        return True
    is_odd = max(line.lengths) > longest or len(set(_MODERN.findall(line.plain))) > 1
    return is_odd and 2 * usual <= len(line.lengths)


def _with_whole_commentary(lines: list[Line]) -> list[Line]:
    """Commentary under a heading of its own reaches to the next title, or poem of a regulated form."""
    if not any(line.kind == "commentary" for line in lines):
        return lines
    blocks = [list(block) for _, block in groupby(lines, lambda line: line.kind == "blank")]
    with_titles = sum(block[0].kind in ("bare", "title") for block in blocks)
    is_titled = with_titles > 0.2 * sum(block[0].kind == "commentary" for block in blocks)
    found: list[Line] = []
    goes_on = False
    for block in blocks:
        has_commentary = any(line.kind == "commentary" for line in block)
        if block[0].kind in ("bare", "title") or is_regulated(block):
            goes_on = False
        is_prose = goes_on and not has_commentary
        found += [as_kind(line, "prose") if is_prose and line.kind == "verse" else line for line in block]
        goes_on = goes_on or (has_commentary and is_titled)
    return found


def _with_prefaces(lines: list[Line]) -> list[Line]:
    """The prose between a title and its poem as preface; after a tune and a dot it's a part of the title."""
    found: list[Line] = []
    is_awaited, left = False, 0
    for number, line in enumerate(lines):
        if line.kind == "verse" and left:
            left -= 1
            line = as_kind(line, "preface")
        elif line.kind == "verse" and is_awaited:
            size = preface_size(lines[number : number + _NEXT])
            is_awaited, left = size > 0, max(size - 1, 0)
            line = as_kind(line, "preface") if is_awaited else line
        elif line.kind == "verse" and (tune := _TUNE.match(line.text)):
            rest = Line(line.text[tune.end() :], "verse")
            is_awaited = preface_size([rest, *lines[number + 1 : number + _NEXT]]) == 1
            line = as_kind(line, "title") if is_awaited else line
        elif line.kind in ("bare", "title"):
            is_awaited = True
        found.append(line)
    return found


def preface_size(lines: Sequence[Line]) -> int:
    """How many of the ``lines``, a block and what stands below it, are a preface: one, all of the block, or none.

    The lines of a block end where they may: their sentences are read as one.
    """
    if _is_preface(lines[0], lines[1:]):
        return 1
    block = list(_verse(lines))
    rest = lines[len(block) :]
    if len(block) == 1 or [line.kind for line in rest[:2]] != ["blank", "verse"]:
        return 0
    joined = Line("".join(line.text for line in block), "verse")
    return len(block) if _is_preface(joined, rest[1:]) else 0


def _verse(lines: Iterable[Line]) -> Iterator[Line]:
    return takewhile(lambda line: line.kind == "verse", lines)


def _is_preface(line: Line, below: Sequence[Line]) -> bool:
    """Whether a line tells in prose when and why the poem ``below`` it was written."""
    words, particles = len(_OCCASION.findall(line.text)), len(_PARTICLES.findall(line.text))
    if 2 * words + particles < max(3 if words else 4, min(len(hanzi(line.text)) / 9, 6)):
        return False
    poem = _verse(line for line in below if line.kind != "blank")
    lengths = Counter(length for verse in poem for length in verse.lengths)
    if not lengths:
        return False
    usual, count = lengths.most_common(1)[0]
    if len(line.lengths) > 1 and set(line.lengths) in ({5}, {7}, {usual}):
        return False
    return count <= 0.8 * lengths.total() or 2 * line.lengths.count(usual) < len(line.lengths)
