"""A line of a text file: its lines of verse, and how long they are."""

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from tang.text.characters import GAP, GAP_SIGN
from tang.text.forms import LINE_END, hanzi, split_lines
from tang.text.script import MARKS

# bare: Chinese characters without a mark; in the end a title, an author, a heading.
Kind = Literal["blank", "verse", "bare", "note", "prose", "other"]

NOTE = re.compile(r"[（(〖][^（(〖）)〗]*[）)〗]")
END = re.compile(f"[{LINE_END}]")
PLAIN_MARKS = {**MARKS, ord(":"): " ", ord("："): " "}  # A colon ends no line here: it may set off a title
_CLOSING = "」』”’》〉\"' )）]］】〗|\t"


@dataclass(frozen=True)
class Line:
    """A line of a file without decoration and number; ``title`` is what stands before its verse."""

    text: str
    kind: Kind
    title: str = ""

    @cached_property
    def plain(self) -> str:
        """The text with plain marks, without notes, with gaps as characters; a colon is no mark."""
        return GAP.sub(GAP_SIGN, NOTE.sub("", self.text)).translate(PLAIN_MARKS)

    @cached_property
    def pieces(self) -> list[str]:
        """Its lines of verse, with their marks."""
        return [piece for piece in split_lines(self.plain) if hanzi(piece)]

    @cached_property
    def lengths(self) -> list[int]:
        """Chinese characters of each of its lines of verse."""
        return [len(hanzi(piece)) for piece in self.pieces]

    @cached_property
    def as_verse(self) -> "Line":
        """The same line as verse; one object, however many lines are equal."""
        return replace(self, kind="verse")

    @property
    def is_marked(self) -> bool:
        return bool(END.search(self.plain))

    @property
    def is_ended(self) -> bool:
        """Whether a mark stands at its end."""
        return bool(END.match(self.plain.rstrip(_CLOSING)[-1:]))
