"""The lines of a text file that holds verse, told apart: verse, titles, prose."""

import re
from collections.abc import Iterator
from functools import lru_cache
from io import StringIO
from itertools import pairwise
from statistics import median

from tang.text import labels
from tang.text.forms import hanzi
from tang.text.line import Kind, Line, as_kind
from tang.text.marks import FEW
from tang.text.notes import in_one_line
from tang.text.prose import without_prose
from tang.text.titles import ATTRIBUTION, BOOK_TITLE, attributed, with_titles_apart
from tang.text.unmarked import verse_with_few_marks, verse_without_marks

_LINE_END = re.compile(r"\r\n|[\r\f\u2028\u2029]")
_DECORATION = re.compile(r"^[\s>#=~★☆•–—-]+|^[*+●◆■]+(?:\s+|$)")
_TRAILING = "\n \t\u3000#=~★☆–—"
_BOLD = re.compile(r"\*\*([^*]+)\*\*")
_HEADING = re.compile(r"\s*#{1,6}\s")
_NUMBER = re.compile(  # 1. 12、 (3) 第五首 三、 No. 7, but not 3月, 十首
    r"^(?:[\[(（【](?:第?\d+|[一二三四五六七八九十百]+)[首章]?[\])）】][.．、:：]?"
    r"|(?:第|[Nn][Oo][.．]?\s*)?\d+(?:[首章]?[\])）.．、:：]|[首章]?(?=\s|《))|0\d+"
    r"|第[一二三四五六七八九十百]+[首章][.．、:：]?|[一二三四五六七八九十百]+、)\s*(?=\S)"
)
_NUMBER_AFTER = re.compile(r"(?<=[，。？！；,.?!;])\s+\d{1,4}$")  # Of a line of verse, at the margin
_PINYIN = re.compile(r"[^\W\d_]+\d?(?:[\W_]+[^\W\d_]+\d?)*[\W_]*")
_TONES = re.compile(r"(?=.*[平仄])[平仄中可通韵韻叶\W]{3,}|(?=(.).*(?!\1)[○●⊙])[○●◎⊙△▲⊕◐◑\s，。、,.]{3,}")
_BLANK = re.compile(r"\n\s*\n")
_SAMPLE = 2000  # Characters that show whether a text is written vertically


def read_lines(text: str) -> list[Line]:
    """The lines of a text in plain characters, each with its kind."""
    lines: list[Line] = []
    readings: list[Line] = []
    for line in by_themselves(_horizontal(_LINE_END.sub("\n", text))):
        (readings if line.kind == "other" and _is_reading(line.text) else lines).append(line)
    return [*_told_apart(lines), *readings]  # at the end, where they stand between no lines of verse


def _horizontal(text: str) -> str:
    """``text`` with each block in one line, if it is written vertically, a character in a line."""
    some = [line for line in text[:_SAMPLE].split("\n") if line.strip()]
    if 1.1 * sum(len(line.strip()) == 1 for line in some) < len(some):
        return text
    return "\n\n".join("".join(block.split()) for block in _BLANK.split(text))


def _is_reading(text: str) -> bool:
    """Whether a line tells how the next or the last one is read: in pinyin, or its tones."""
    return bool(_PINYIN.fullmatch(text) or _TONES.fullmatch(text))


def _told_apart(lines: list[Line]) -> list[Line]:
    """The lines with their kinds as the whole text shows them."""
    lines = _with_numbered_titles(lines)
    if _is_without_marks(lines):
        return verse_without_marks(lines)
    return verse_with_few_marks(without_prose(with_titles_apart(lines)))


def _is_without_marks(lines: list[Line]) -> bool:
    """Whether the lines have hardly any marks, or only at the ends of blocks, as those of stanzas may."""
    with_marks, without = (sum(line.kind == kind for line in lines) for kind in ("verse", "bare"))
    if with_marks <= FEW * (with_marks + without):
        return True
    ends = [
        line for line, after in pairwise([*lines, Line("", "blank")]) if line.kind == "verse" and after.kind == "blank"
    ]
    return 0.8 * with_marks < len(ends) and with_marks < without and median(len(line.lengths) for line in ends) == 1


def _with_numbered_titles(lines: list[Line]) -> list[Line]:
    """A line without a mark, but with a number, is a title if the next has none, and most of these differ in length."""
    words = [number for number, line in enumerate(lines) if line.kind != "blank"]
    pairs = [(n, lines[n].lengths, lines[after]) for n, after in pairwise(words) if lines[n].kind == "numbered"]
    above = [(n, lengths, after) for n, lengths, after in pairs if after.kind in ("verse", "bare")]
    differing = sum(lengths != after.lengths[:1] for _, lengths, after in above)
    titles = {n for n, *_ in above} if differing > 0.8 * len(above) else set()
    kinds: list[Kind] = ["title" if n in titles else "bare" for n in range(len(lines))]
    return [as_kind(line, kind) if line.kind == "numbered" else line for line, kind in zip(lines, kinds, strict=True)]


def by_themselves(text: str) -> Iterator[Line]:
    """Each line as it looks by itself, and below those before it."""
    shared = lru_cache(maxsize=1 << 16)(Line)  # equal lines are one object, which bounds the memory for short ones
    commentary = labels.Commentary()
    last: Kind = "blank"
    for printed in StringIO(in_one_line(text), newline="\n"):
        printed = _BOLD.sub(r"\1", printed) if "**" in printed else printed
        text = _NUMBER_AFTER.sub("", _DECORATION.sub("", printed).rstrip(_TRAILING))
        kind: Kind | None = None
        if labels.OTHER.match(printed) or "http" in text or "www." in text or _TONES.fullmatch(text):
            kind = "other"
        elif last in ("verse", "bare") and ATTRIBUTION.match(printed.strip()):
            kind = "attribution"
        elif label := labels.VERSE.match(text):
            commentary.end()
            text = text[label.end() :]
        elif label := labels.TITLE.match(text):
            commentary.end()
            text = text[label.end() :]
            kind = "prose" if text.endswith("。") else "title"  # a poet's life
        text, poet = attributed(text) if kind is None else (text, "")
        unnumbered = _NUMBER.sub("", text)
        line = shared(unnumbered, "verse")
        if kind is None:
            kind = commentary.kind(text, line, unnumbered != text) or _kind(line, printed, unnumbered != text)
        if kind != "blank":
            last = "attribution" if poet else kind
        yield line if kind == "verse" else shared(line.text, kind)
        if poet:
            yield shared(poet, "attribution")


def _kind(line: Line, printed: str, is_numbered: bool) -> Kind:
    if not line.text:
        return "blank"
    if line.lengths and line.is_marked:
        return "verse"
    if line.lengths:
        is_title = _HEADING.match(printed) or BOOK_TITLE.match(line.text)
        return "title" if is_title else "numbered" if is_numbered else "bare"
    return "note" if hanzi(line.text) else "other"
