"""No character twice in a poem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tang.config.rules import key
from tang.generation.constraints.base import Constraint, Context, Tracker, forbid

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class NoRepeat(Constraint):
    """No character twice, unless doubled within a line; characters that are given may repeat."""

    no_repeat: bool = key(False, "true: no character twice, unless doubled, 青青")

    def tracker(self, context: Context, given: Tensor, others: Sequence[Tracker]) -> Counts:
        return Counts(given, context.layout.lines, len(context.layout.vocabulary))


class Counts(Tracker):
    """Counts the characters of each poem, those that are given for later slots among them."""

    def __init__(self, given: Tensor, lines: Tensor, vocabulary_size: int) -> None:
        self.given, self.lines = given, lines
        self.counts = given.new_zeros(len(given), vocabulary_size).short()
        characters = given[:, lines >= 0]
        self.counts.scatter_add_(1, characters.clamp(min=0), (characters >= 0).short())
        self.last = given.new_zeros(len(given))

    def used(self) -> Tensor:
        return self.counts > 0

    def bias(self, slot: int) -> Tensor | None:
        if self.lines[slot] < 0:
            return None
        used = self.used()
        if slot and self.lines[slot] == self.lines[slot - 1]:  # the character before may be doubled, once
            used = used.scatter(1, self.last[:, None], self.counts.gather(1, self.last[:, None]) > 1)
        return forbid(used)

    def take(self, slot: int, symbols: Tensor) -> None:
        if self.lines[slot] >= 0:
            is_drawn = (self.given[:, slot] < 0).short()
            self.counts = self.counts.scatter_add(1, symbols[:, None], is_drawn[:, None])
            self.last = symbols

    def select(self, rows: Tensor) -> None:
        self.given, self.counts, self.last = self.given[rows], self.counts[rows], self.last[rows]
