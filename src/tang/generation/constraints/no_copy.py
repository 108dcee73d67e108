"""Nothing copied from the training split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tang.config.rules import key
from tang.generation.constraints.base import Constraint, Context, Tracker

if TYPE_CHECKING:
    from torch import Tensor

    from tang.generation.overlap import Spans


@dataclass
class NoCopy(Constraint):
    """No line and no five characters in a row of the training split, marks left out, unless they are given."""

    needs_corpus = True
    no_copy: bool = key(False, "true: no line and no five characters in a row from the training split")

    def tracker(self, context: Context, given: Tensor, others: Sequence[Tracker]) -> Copies:
        assert context.spans, "generate() provides them to constraints that need the corpus"
        return Copies(context.spans, given, context.layout.lines)


class Copies(Tracker):
    """Refuses a symbol that completes a line or a span of the training split.

    Args:
        spans: the training split's.
        given: (B, S) the id that a slot must have, −1 where it is drawn.
        lines: (S,) the line of each slot, −1 for marks.
    """

    def __init__(self, spans: Spans, given: Tensor, lines: Tensor) -> None:
        self.spans = spans
        self.places = {slot: place for place, slot in enumerate((lines >= 0).nonzero()[:, 0].tolist())}
        self.chars = int((lines == 0).sum())
        self.known = given[:, lines >= 0].clone()

    def refuses(self, slot: int, symbols: Tensor, rows: Tensor | None = None) -> Tensor | None:
        place = self.places.get(slot)
        if place is None:
            return None
        known, size = self.known.clone() if rows is None else self.known[rows], self.spans.size
        known[:, place] = symbols
        refused = symbols.new_zeros(len(symbols)).bool()
        if self.chars < size:  # a line is shorter than a span: looked up once its last unknown character is drawn
            start = place - place % self.chars
            line = known[:, start : start + self.chars]
            refused |= (line >= 0).all(1) & refused.new_tensor([self.spans.has_line(ids) for ids in line.tolist()])
        for start in range(max(0, place - size + 1), min(place, known.shape[1] - size) + 1):
            window = known[:, start : start + size]
            whole = (window >= 0).all(1)
            if whole.any():
                refused[whole] |= refused.new_tensor(self.spans.is_copied(window[whole].numpy()))
        return refused

    def take(self, slot: int, symbols: Tensor) -> None:
        if slot in self.places:
            self.known[:, self.places[slot]] = symbols

    def select(self, rows: Tensor) -> None:
        self.known = self.known[rows]
