"""The tracker of rhyme and tones.

A hypothesis is a pattern and a rhyme group; a poem may continue with whatever leaves one of its hypotheses alive::

    slot                     白 日 依 山 尽 ，黄 河 入 海 流 。…
    patterns alive           4  2  2  2  1    1  1  1  1  1
    groups alive             30 30 30 30 30   30 30 30 30 1    流 is in 十一尤

So the model chooses both, by the characters that it prefers. A hypothesis dies where a character doesn't fit it, and
as soon as its group has fewer characters left than lines are still to rhyme: what is alive can be finished.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tang.errors import InputError
from tang.generation.constraint import DraftBatch, Tracker, forbid
from tang.generation.slots import Layout
from tang.prosody.meter import Pattern, Strictness, patterns, rhyming_lines
from tang.prosody.rhymes import Group, groups, level_group, readings
from tang.text.script import Script

# Kinds of slots by the tone that a pattern wants; RHYME is the end of a line that rhymes.
FREE, LEVEL, OBLIQUE, RHYME = range(4)
KINDS = {"中": FREE, "平": LEVEL, "仄": OBLIQUE}


class LayoutRules(NamedTuple):
    """The rules for all poems of a layout: P patterns, G rhyme groups, S slots, V symbols."""

    script: Script
    rhyme: str | None  # ``true``, or the group
    tones: Strictness | None
    patterns: Sequence[Pattern | None]  # the form's; without ``tones`` one that wants nothing, None
    groups: Sequence[Group | None]  # in which the poem may rhyme; without ``rhyme`` one that has all characters, None
    kinds: Tensor  # (P, S) the kind of each slot
    admits_drawn: Tensor  # (4, V) float, 1 for symbols that may be drawn in each kind of slot; under RHYME in any group
    admits_given: Tensor  # (4, V) bool, as ``admits_drawn`` for symbols that are given: one reading that fits is enough
    members: Tensor  # (G, V) float, 1 for the characters of each group
    rhyming: Tensor  # (G, V) float, 1 for the characters of each group that may be drawn to rhyme in it


@lru_cache(maxsize=1)  # for all batches of a layout, which come one after another
def rules(layout: Layout, script: Script, rhyme: str | None, tones: Strictness | None) -> LayoutRules:
    """The rules of a layout; an InputError if the form has no patterns or too few lines, or there is no such group."""
    form = layout.form
    of_form: Sequence[Pattern | None] = patterns(form) if tones else [None]
    in_groups: Sequence[Group | None] = [None]
    if rhyme is not None:
        if form.lines < 4:
            raise InputError(f"rhyme={rhyme}: {form} has too few lines to rhyme; give 4 or more")
        in_groups = [group for group in groups() if group.tone == "平"] if rhyme == "true" else [level_group(rhyme)]
    rows = []
    for pattern in of_form:
        wanted = "".join(pattern.wanted(tones)) if pattern and tones else "中" * sum(form.lengths)
        row = [KINDS[tone] for tone in wanted]
        if rhyme is not None:
            for line in rhyming_lines(form.lines, pattern is not None and pattern.first_rhymes):
                row[layout.ends[line] - 1] = RHYME
        rows.append(row)
    kinds = torch.zeros(len(rows), len(layout.slots), dtype=torch.long)
    kinds[:, layout.lines >= 0] = torch.tensor(rows)

    found = [readings(symbol, script) for symbol in layout.vocabulary.symbols]
    level, oblique = (torch.tensor([any(group.tone == tone for group in own) for own in found]) for tone in "平仄")
    every = torch.ones_like(level)
    drawn = torch.stack([every, level, oblique, every])
    if tones == "strict":
        # Taken strictly a character doesn't rhyme by a rare reading, such as 台 in 四支 or 平 in 一先.
        is_single = torch.tensor([len(own) == 1 for own in found])
        drawn = torch.stack([every, level & ~oblique, oblique & ~level, level & ~oblique & is_single])
    unread = ~level & ~oblique & (tones == "loose")
    given = torch.stack([every, level | unread, oblique | unread, every])
    members = torch.tensor([[group is None or group in own for own in found] for group in in_groups]).float()
    rhyming = members * drawn[RHYME] * layout.mask.any(0)
    return LayoutRules(script, rhyme, tones, of_form, in_groups, kinds, drawn.float(), given, members, rhyming)


class RhymeAndTones(Tracker):
    """Keeps B poems within P patterns and G rhyme groups; an InputError if what is given leaves a poem none."""

    def __init__(self, batch: DraftBatch, rules: LayoutRules) -> None:
        super().__init__(batch)
        self.rules = rules
        self.excluding = [other for other in batch.trackers if other.unavailable() is not None]
        undrawn = self.given < 0
        rhymes = (rules.kinds == RHYME) & undrawn[:, None]
        self.rhymes_left = rhymes.flip(2).cumsum(2).flip(2)  # (B, P, S) rhymes to draw in a slot and after it
        fits = torch.stack([self._fits(slot, symbols, rules.admits_given) for slot, symbols in enumerate(self.given.T)])
        fits |= undrawn.T[:, :, None, None]  # (S, B, P, G)
        self.misfits = (~fits).sum(0)  # (B, P, G)
        self.available = self._available()
        self.live = (self.misfits == 0) & (self.available[:, None] >= self.rhymes_left[:, :, 0, None])  # (B, P, G)
        for row, live in enumerate(self.live):
            if not live.any():
                raise InputError(self._explain(row, fits[:, row]))

    def _fits(self, slot: int, symbols: Tensor, admitted: Tensor) -> Tensor:
        """(B, P, G) whether symbols (B,) fit each hypothesis in a slot; ``admitted`` (4, V) by its kind."""
        kinds, symbols = self.rules.kinds[:, slot], symbols.clamp(min=0)
        in_group = (self.rules.members[:, symbols].T > 0)[:, None] | (kinds != RHYME)[:, None]
        return (admitted[kinds][:, symbols].T > 0)[:, :, None] & in_group

    def _rhymed(self) -> Tensor:
        """(B, V) bool: characters that rhyme already, or are given to; no two lines end in the same."""
        return self.counts((self.rules.kinds == RHYME).any(0)) > 0

    def _available(self) -> Tensor:
        """(B, G) how many characters of a group could still be drawn to rhyme."""
        used = self._rhymed()
        for other in self.excluding:
            if (also_used := other.unavailable()) is not None:
                used |= also_used
        return (~used).float() @ self.rules.rhyming.T

    def bias(self, slot: int) -> Tensor | None:
        rules, kinds = self.rules, self.rules.kinds[:, slot]
        if self.line_of_slot[slot] < 0:
            return None
        admitted = torch.zeros(len(self.known), self.vocabulary_size)
        for kind in kinds.unique().tolist():
            of_kind = kinds == kind
            live = self.live[:, of_kind]
            if kind == RHYME:
                admitted += live.any(1).float() @ rules.rhyming * ~self._rhymed()
            else:
                drawn = rules.admits_drawn[kind] * self._unreserved(slot, live, of_kind)
                admitted += live.flatten(1).any(1)[:, None] * drawn
        return forbid(admitted == 0)

    def _unreserved(self, slot: int, live: Tensor, of_kind: Tensor) -> Tensor | float:
        """(B, V) 0 for characters that must be kept for the remaining rhymes, if drawing uses them up."""
        if not self.excluding or self.rules.rhyme is None:
            return 1.0
        tight = self.available[:, None] <= self.rhymes_left[:, of_kind, slot, None]
        at_ease = (live & ~tight).flatten(1).any(1)[:, None]
        return at_ease | ((live & tight).any(1).float() @ (1 - self.rules.members) > 0)

    def take(self, slot: int, symbols: Tensor) -> None:
        super().take(slot, symbols)
        if self.line_of_slot[slot] < 0:
            return
        is_given = self.given[:, slot, None, None] >= 0
        self.live &= self._fits(slot, symbols, self.rules.admits_drawn) | is_given
        if self.rules.rhyme is not None and slot + 1 < self.rhymes_left.shape[2]:
            self.available = self._available()
            self.live &= self.available[:, None] >= self.rhymes_left[:, :, slot + 1, None]

    def select(self, rows: Tensor) -> None:
        super().select(rows)
        self.rhymes_left, self.live, self.available = self.rhymes_left[rows], self.live[rows], self.available[rows]

    def report(self, row: int) -> dict[str, Any]:
        pattern, group = self.live[row].nonzero()[0].tolist()
        found = {"pattern": self.rules.patterns[pattern], "rhyme": self.rules.groups[group]}
        return {name: str(value) for name, value in found.items() if value is not None}

    def _explain(self, row: int, fits: Tensor) -> str:
        """Why no hypothesis is left for a poem: what is wrong with the nearest one."""
        rules, layout, symbols = self.rules, self.batch.layout, self.batch.layout.vocabulary.symbols
        keys = " ".join(f"{key}={value}" for key, value in (("rhyme", rules.rhyme), ("tones", rules.tones)) if value)
        nearest = self.misfits[row] == self.misfits[row].min()
        number, group = divmod(int((nearest * (1 + self.available[row])).argmax()), len(rules.groups))
        pattern, kinds = rules.patterns[number], rules.kinds[number]
        wrong = (~fits[:, number, group]).nonzero()[:, 0].tolist()
        if not wrong:
            return (
                f"{keys}: {int(self.rhymes_left[row, number, 0])} lines are to rhyme, but of {rules.groups[group]} the "
                f"model has {int(self.available[row, group])} characters; take another group, or a shorter form"
            )
        line, place = layout.where(wrong[0])
        character = symbols[int(self.given[row, wrong[0]])]
        found = "、".join(sorted(map(str, readings(character, rules.script))))
        ends = [symbols[id] for id in self.given[row, kinds == RHYME].tolist() if id >= 0 and rules.members[group, id]]
        rhyme = f"a rhyme in {rules.groups[group]}"
        if rules.rhyme == "true":
            rhyme = f"a rhyme to {ends[0]}" if ends else "a rhyme in 平"
        wanted = {LEVEL: "平", OBLIQUE: "仄"}.get(int(kinds[wrong[0]]), rhyme)
        return (
            f"{keys}: {character} is given for line {line}, character {place}"
            f"{f' of {pattern}, a nearest pattern' if pattern else ''}, where {wanted} should stand, "
            f"but it is {found or 'in no group of the 平水韵 as this project has it'}; "
            f"give another character, {'or leave out' if not rules.tones else 'tones=loose, or leave out'} {keys}"
        )
