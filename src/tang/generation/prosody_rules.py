"""The rules of rhyme and tones for a form's slots and a model's characters, as tensors."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from tang.errors import InputError
from tang.generation.slots import Layout
from tang.prosody.meter import Pattern, Strictness, patterns, rhyming_lines
from tang.prosody.rhymes import Group, groups, level_group, readings, tones
from tang.text.script import Script

FREE, LEVEL, OBLIQUE, RHYME = range(4)
KINDS = {"中": FREE, "平": LEVEL, "仄": OBLIQUE}
"""Kinds of slots by the tone that a pattern wants; RHYME is the end of a line that rhymes."""


@dataclass(frozen=True)
class Rules:
    """The rules for all poems of a layout: P patterns, G rhyme groups, S slots, V symbols.

    Raises:
        InputError: the form has no patterns or too few lines to rhyme, or there is no such group.
    """

    layout: Layout
    script: Script
    rhyme: str | None  # ``true``, or the group
    tones: Strictness | None

    @cached_property
    def patterns(self) -> Sequence[Pattern | None]:
        """The form's patterns; without ``tones`` one that wants nothing, None."""
        return patterns(self.layout.form) if self.tones else [None]

    @cached_property
    def groups(self) -> Sequence[Group | None]:
        """The groups in which the poem may rhyme; without ``rhyme`` one that has all characters, None."""
        if self.rhyme is None:
            return [None]
        if self.layout.form.lines < 4:
            raise InputError(f"rhyme={self.rhyme}: {self.layout.form} has too few lines to rhyme; give 4 or more")
        if self.rhyme == "true":
            return [group for group in groups() if group.tone == "平"]
        return [level_group(self.rhyme)]

    @cached_property
    def kinds(self) -> Tensor:
        """(P, S) the kind of each slot."""
        form = self.layout.form
        rows = []
        for pattern in self.patterns:
            wanted = pattern.wanted(self.tones) if pattern and self.tones else ["中" * form.chars] * form.lines
            row = [KINDS[tone] for tone in "".join(wanted)]
            if self.rhyme is not None:
                for line in rhyming_lines(form.lines, pattern is not None and pattern.first_rhymes):
                    row[(line + 1) * form.chars - 1] = RHYME
            rows.append(row)
        kinds = torch.zeros(len(rows), len(self.layout.slots), dtype=torch.long)
        kinds[:, self.layout.lines >= 0] = torch.tensor(rows)
        return kinds

    @cached_property
    def _level_oblique(self) -> Tensor:
        """(2, V) bool: whether a symbol has a reading in 平, and whether it has one in 仄; marks have neither."""
        found = [tones(symbol, self.script) for symbol in self.layout.vocabulary.symbols]
        return torch.tensor([[tone in of for of in found] for tone in ("平", "仄")])

    @cached_property
    def drawn(self) -> Tensor:
        """(4, V) float, 1 for the symbols that may be drawn for each kind of slot; under RHYME in any group."""
        level, oblique = self._level_oblique
        all_symbols = torch.ones_like(level)
        if self.tones != "strict":
            return torch.stack([all_symbols, level, oblique, all_symbols]).float()
        # Taken strictly a character doesn't rhyme by a rare reading, such as 台 in 四支 or 平 in 一先.
        is_single = torch.tensor([len(readings(symbol, self.script)) == 1 for symbol in self.layout.vocabulary.symbols])
        return torch.stack([all_symbols, level & ~oblique, oblique & ~level, level & ~oblique & is_single]).float()

    @cached_property
    def given(self) -> Tensor:
        """(4, V) bool: as ``drawn``, for symbols that are given: one reading that fits is enough."""
        level, oblique = self._level_oblique
        unread = ~level & ~oblique if self.tones == "loose" else torch.zeros_like(level)
        return torch.stack([torch.ones_like(level), level | unread, oblique | unread, torch.ones_like(level)])

    @cached_property
    def members(self) -> Tensor:
        """(G, V) float, 1 for the characters of each group."""
        symbols = self.layout.vocabulary.symbols
        if self.groups == [None]:
            return torch.ones(1, len(symbols))
        found = [readings(symbol, self.script) for symbol in symbols]
        return torch.tensor([[group in of for of in found] for group in self.groups]).float()

    @cached_property
    def rhyming(self) -> Tensor:
        """(G, V) float, 1 for the characters of each group that may be drawn to rhyme in it."""
        return self.members * self.drawn[RHYME]


rules = lru_cache(maxsize=1)(Rules)
"""Rules, computed once for all batches of a layout, which come one after another."""
