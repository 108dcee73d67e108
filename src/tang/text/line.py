"""A line of a text file: its lines of verse, and how long they are."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

from tang.text.characters import GAP, GAP_SIGN
from tang.text.forms import LINE_END, hanzi, regulated_form, split_lines
from tang.text.notes import without_notes
from tang.text.script import MARKS

# bare: Chinese characters without a mark; in the end a title, an author, a heading. numbered: the same with a number.
# title: it is one for certain. attribution: the poet after the poem. commentary: prose under a heading of its own.
Kind = Literal[
    "blank", "verse", "bare", "numbered", "title", "attribution", "note", "preface", "prose", "commentary", "other"
]

END = re.compile(f"[{LINE_END}]")
PLAIN_MARKS = {**MARKS, ord(":"): " ", ord("："): " "}  # A colon ends no line here: it may set off a title
_CLOSING = "」』”’》〉\"' )）]］】〗|\t"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file without decoration and number; ``title`` is what stands before its verse.

    Little is kept of a line, for a file may have millions.
    """

    text: str
    kind: Kind
    title: str = ""
    lengths: tuple[int, ...] = field(init=False, compare=False)  # Chinese characters of each of its lines of verse
    is_marked: bool = field(init=False, compare=False)
    is_ended: bool = field(init=False, compare=False)  # Whether a mark stands at its end

    def __post_init__(self) -> None:
        plain = self.plain
        lengths = (len(hanzi(piece)) for piece in split_lines(plain))
        object.__setattr__(self, "lengths", _shared(tuple(length for length in lengths if length)))
        object.__setattr__(self, "is_marked", bool(END.search(plain)))
        object.__setattr__(self, "is_ended", bool(END.match(plain.rstrip(_CLOSING)[-1:])))

    @property
    def plain(self) -> str:
        """The text with plain marks, without notes, with gaps as characters; a colon is no mark."""
        kept, _, unclosed = without_notes(self.text)
        return GAP.sub(GAP_SIGN, kept + unclosed).translate(PLAIN_MARKS)

    @property
    def pieces(self) -> list[str]:
        """Its lines of verse, with their marks."""
        return [piece for piece in split_lines(self.plain) if hanzi(piece)]


@lru_cache(maxsize=4096)
def _shared(lengths: tuple[int, ...]) -> tuple[int, ...]:
    """One object for equal lengths."""
    return lengths


@lru_cache(maxsize=4096)
def as_kind(line: Line, kind: Kind) -> Line:
    """The same line with another kind; often one object if many lines are equal."""
    return replace(line, kind=kind)


def is_regulated(lines: Iterable[Line]) -> bool:
    """Whether the lines are those of a regulated form."""
    lengths = [length for line in lines for length in line.lengths]
    return len(set(lengths)) == 1 and len(lengths) in (4, 8) and regulated_form(sum(lengths)) is not None
