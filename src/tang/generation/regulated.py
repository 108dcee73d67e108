"""Tones and rhyme while a poem is written.

There are hypotheses, each a pattern and a rhyme group, and a poem may go on with whatever leaves one of them alive::

    slot                     白 日 依 山 尽 ，黄 河 入 海 流 。…
    patterns alive           4  2  2  2  1    1  1  1  1  1
    groups alive             30 30 30 30 30   30 30 30 30 1    流 is in 十一尤

So it is the model that chooses both, by the characters it likes. A hypothesis dies where a character doesn't fit
it, and as soon as its group has fewer characters left than lines are still to rhyme: what is alive can be finished.
"""

import torch
from torch import Tensor

from tang.errors import InputError
from tang.generation.constraints import IMPOSSIBLE, Constraint, NoRepeat
from tang.generation.prosody_rules import FREE, LEVEL, OBLIQUE, RHYME, Rules
from tang.generation.request import Wishes
from tang.prosody.rhymes import readings


class Regulated(Constraint):
    """Keeps B poems within the rules.

    Args:
        rules: for their layout.
        given: (B, S) the symbol that a slot must have, −1 where it is drawn.
        others: whether characters may be used twice, or None.

    Raises:
        InputError: what is given leaves no hypothesis for a poem.
    """

    def __init__(self, rules: Rules, given: Tensor, others: NoRepeat | None) -> None:
        self.rules, self.given, self.others = rules, given, others
        rhymes = (rules.kinds == RHYME) & (given < 0)[:, None]
        self.to_come = rhymes.flip(2).cumsum(2).flip(2)  # (B, P, S) rhymes to draw in a slot and after it
        self.rhymed = torch.zeros(len(given), rules.members.shape[1], dtype=torch.bool)
        for slot in range(given.shape[1]):
            self._mark(slot, given[:, slot])
        drawn = [_each(given[:, slot] < 0) for slot in range(given.shape[1])]
        fits = torch.stack([self._fits(slot, given[:, slot], rules.given) | free for slot, free in enumerate(drawn)])
        self.misfits = (~fits).sum(0)  # (B, P, G)
        self.available = self._available()
        enough = self.available[:, None] >= self.to_come[:, :, 0, None]
        self.live = (self.misfits == 0) & enough
        for row, live in enumerate(self.live):
            if not live.any():
                raise InputError(self._explain(row, fits[:, row]))

    def _fits(self, slot: int, symbols: Tensor, admitted: Tensor) -> Tensor:
        """(B, P, G) whether symbols (B,) fit each hypothesis in a slot; ``admitted`` (4, V) by its kind."""
        kinds, symbols = self.rules.kinds[:, slot], symbols.clamp(min=0)
        in_group = (self.rules.members[:, symbols].T > 0)[:, None] | (kinds != RHYME)[:, None]
        return (admitted[kinds][:, symbols].T > 0)[:, :, None] & in_group

    def _mark(self, slot: int, symbols: Tensor) -> None:
        """Characters that rhyme already."""
        if (self.rules.kinds[:, slot] == RHYME).any():
            found = self.rhymed.gather(1, symbols.clamp(min=0)[:, None]) | (symbols >= 0)[:, None]
            self.rhymed = self.rhymed.scatter(1, symbols.clamp(min=0)[:, None], found)

    def _available(self) -> Tensor:
        """(B, G) how many characters of a group could still be drawn to rhyme."""
        used = self.rhymed if self.others is None else self.rhymed | self.others.used
        return (~used).float() @ self.rules.rhyming.T

    def bias(self, slot: int) -> Tensor | None:
        rules, kinds = self.rules, self.rules.kinds[:, slot]
        if self.rules.layout.lines[slot] < 0:
            return None
        admitted = torch.zeros(self.rhymed.shape)
        for kind in (FREE, LEVEL, OBLIQUE):
            of_kind = kinds == kind
            if of_kind.any():
                live = self.live[:, of_kind]
                admitted += live.flatten(1).any(1)[:, None] * rules.drawn[kind] * self._spared(slot, live, of_kind)
        of_kind = kinds == RHYME
        if of_kind.any():
            admitted += self.live[:, of_kind].any(1).float() @ rules.rhyming * ~self.rhymed
        return torch.zeros(admitted.shape).masked_fill_(admitted == 0, IMPOSSIBLE)

    def _spared(self, slot: int, live: Tensor, of_kind: Tensor) -> Tensor | float:
        """(B, V) 0 for what the last hypotheses need for their rhymes, when no character may come twice."""
        if self.others is None or self.rules.wishes.rhyme is None:
            return 1.0
        tight = self.available[:, None] <= self.to_come[:, of_kind, slot, None]
        at_ease = (live & ~tight).flatten(1).any(1)[:, None]
        return at_ease | ((live & tight).any(1).float() @ (1 - self.rules.members) > 0)

    def take(self, slot: int, symbols: Tensor) -> None:
        if self.rules.layout.lines[slot] < 0:
            return
        self.live &= self._fits(slot, symbols, self.rules.drawn) | _each(self.given[:, slot] >= 0)
        self._mark(slot, symbols)
        if self.rules.wishes.rhyme is not None and slot + 1 < self.to_come.shape[2]:
            self.available = self._available()
            self.live &= self.available[:, None] >= self.to_come[:, :, slot + 1, None]

    def select(self, rows: Tensor) -> None:
        self.given, self.to_come = self.given[rows], self.to_come[rows]
        self.rhymed, self.live, self.available = self.rhymed[rows], self.live[rows], self.available[rows]

    def outcome(self, row: int) -> dict[str, str]:
        """The ``pattern`` and the group of the ``rhyme`` of a finished poem, as far as they were asked for."""
        pattern, group = self.live[row].nonzero()[0].tolist()
        found = {"pattern": self.rules.patterns[pattern], "rhyme": self.rules.groups[group]}
        return {name: str(value) for name, value in found.items() if value is not None}

    def _explain(self, row: int, fits: Tensor) -> str:
        """Why no hypothesis is left for a poem: what is wrong with the nearest one."""
        rules, layout, wishes = self.rules, self.rules.layout, self.rules.wishes
        asked = str(Wishes(rhyme=wishes.rhyme, tones=wishes.tones))
        least = self.misfits[row] == self.misfits[row].min()
        pattern, group = divmod(int((least * (1 + self._available()[row])).argmax()), len(rules.groups))
        wrong = (~fits[:, pattern, group]).nonzero()[:, 0].tolist()
        if not wrong:
            return (
                f"{asked}: {int(self.to_come[row, pattern, 0])} lines are to rhyme, but of {rules.groups[group]} the "
                f"model has {int(self._available()[row, group])} characters; take another group, or a shorter form"
            )
        slot = wrong[0]
        line, character = int(layout.lines[slot]), layout.vocabulary.symbols[int(self.given[row, slot])]
        place = int((layout.lines[: slot + 1] == line).sum())
        found = sorted(map(str, readings(character, rules.script)))
        own = "、".join(found) or "in no group of the 平水韵 as this project has it"
        kinds = rules.kinds[pattern]
        ends = [int(id) for id in self.given[row, kinds == RHYME] if id >= 0 and rules.members[group, id]]
        rhyme = f"a rhyme to {layout.vocabulary.symbols[ends[0]]}" if ends else "a rhyme in 平"
        rhyme = rhyme if wishes.rhyme == "true" else f"a rhyme in {rules.groups[group]}"
        wanted = {LEVEL: "平", OBLIQUE: "仄"}.get(int(kinds[slot]), rhyme)
        of = f" of {rules.patterns[pattern]}, a nearest pattern" if rules.patterns[pattern] else ""
        return (
            f"{asked}: {character} is given for line {line + 1}, character {place}{of}, where {wanted} should stand, "
            f"but it is {own}"
        )


def _each(of_poems: Tensor) -> Tensor:
    """(B, 1, 1) of (B,): the same for each hypothesis."""
    return of_poems[:, None, None]
