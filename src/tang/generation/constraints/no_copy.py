"""Nothing copied from the training split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tang.config.rules import key
from tang.generation.constraints.base import Batch, Constraint, Tracker

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class NoCopy(Constraint):
    """No line and no five characters in a row of the training split, marks left out, unless they are given."""

    needs_corpus = True
    no_copy: bool = key(False, "true: no line and no five characters in a row from the training split")

    def tracker(self, batch: Batch) -> Copies:
        return Copies(batch)


class Copies(Tracker):
    """Refuses a symbol that completes a line or a span of the training split."""

    def refuses(self, slot: int, symbols: Tensor, rows: Tensor | None = None) -> Tensor | None:
        if self.lines[slot] < 0:
            return None
        spans, layout = self.batch.spans, self.batch.layout
        assert spans, "constraints that need the corpus have them"
        place, chars, size = layout.character_slots.index(slot), layout.form.chars, spans.size
        known = (self.known if rows is None else self.known[rows])[:, layout.character_slots]
        known[:, place] = symbols
        refused = symbols.new_zeros(len(symbols)).bool()
        if chars < size:  # a line is shorter than a span: it is looked up once its last unknown character is drawn
            line = known[:, place - place % chars :][:, :chars]
            refused |= (line >= 0).all(1) & refused.new_tensor([spans.has_line(ids) for ids in line.tolist()])
        for start in range(max(0, place - size + 1), min(place, known.shape[1] - size) + 1):
            window = known[:, start : start + size]
            whole = (window >= 0).all(1)
            if whole.any():
                refused[whole] |= refused.new_tensor(spans.is_copied(window[whole].numpy()))
        return refused
