"""No character twice in a poem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tang.config.rules import key
from tang.generation.constraints.base import Batch, Constraint, Tracker, forbid

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class NoRepeat(Constraint):
    """No character twice, unless doubled within a line; characters that are given may repeat."""

    no_repeat: bool = key(False, "true: no character twice, unless doubled, 青青")

    def tracker(self, batch: Batch) -> Counts:
        return Counts(batch)


class Counts(Tracker):
    """Forbids the characters that a poem has, or is given for later slots."""

    def used(self) -> Tensor:
        return self.counts(self.lines >= 0) > 0

    def bias(self, slot: int) -> Tensor | None:
        if self.lines[slot] < 0:
            return None
        counts = self.counts(self.lines >= 0)
        used = counts > 0
        if slot and self.lines[slot] == self.lines[slot - 1]:  # the character before may be doubled, once
            before = self.known[:, slot - 1, None]
            used = used.scatter(1, before, counts.gather(1, before) > 1)
        return forbid(used)
