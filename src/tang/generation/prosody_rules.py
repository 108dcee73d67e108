"""What tones and rhyme ask of a form's slots, for a model's characters."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from tang.errors import InputError
from tang.generation.request import Wishes
from tang.generation.slots import Layout
from tang.prosody.meter import Pattern, patterns, rhyming_lines
from tang.prosody.rhymes import Group, Tone, groups, level_group, readings
from tang.text.script import Script

FREE, LEVEL, OBLIQUE, RHYME = range(4)
KINDS = {"中": FREE, "平": LEVEL, "仄": OBLIQUE}
"""Of a place in a line; RHYME is a line's end that rhymes."""


@dataclass(frozen=True)
class Rules:
    """Of any poem of a layout; P patterns, G rhyme groups."""

    layout: Layout
    wishes: Wishes
    script: Script

    @cached_property
    def patterns(self) -> Sequence[Pattern | None]:
        """Those of the form; without tones one that asks for none."""
        return patterns(self.layout.form) if self.wishes.tones else [None]

    @cached_property
    def groups(self) -> Sequence[Group | None]:
        """Those in which the poem may rhyme; without rhyme one that all characters are in.

        Raises:
            InputError: there is no such group.
        """
        if self.wishes.rhyme is None:
            return [None]
        form = self.layout.form
        if form.lines < 4:
            raise InputError(f"rhyme={self.wishes.rhyme}: {form} has too few lines to rhyme; give 4 or more")
        if self.wishes.rhyme == "true":
            return [group for group in groups() if group.tone == "平"]
        return [level_group(self.wishes.rhyme)]

    @cached_property
    def kinds(self) -> Tensor:
        """(P, S) the kind of each slot."""
        form = self.layout.form
        rows = []
        for pattern in self.patterns:
            free = ("中" * form.chars,) * form.lines
            wanted = pattern.wanted(self.wishes.tones) if pattern and self.wishes.tones else free
            row = [KINDS[place] for line in wanted for place in line]
            if self.wishes.rhyme is not None:
                for line in rhyming_lines(form.lines, pattern is not None and pattern.first_rhymes):
                    row[(line + 1) * form.chars - 1] = RHYME
            rows.append(row)
        kinds = torch.zeros(len(rows), len(self.layout.slots), dtype=torch.long)
        kinds[:, self.layout.lines >= 0] = torch.tensor(rows)
        return kinds

    @cached_property
    def _readings(self) -> list[frozenset[Group]]:
        """Those of each symbol; marks have none."""
        return [readings(symbol, self.script) for symbol in self.layout.vocabulary.symbols]

    @cached_property
    def _tones(self) -> list[set[Tone]]:
        """Of each symbol's readings."""
        return [{group.tone for group in of} for of in self._readings]

    @cached_property
    def drawn(self) -> Tensor:
        """(4, V) float, 1 for each character that may be drawn for a kind of slot; under RHYME in any group."""
        strict = self.wishes.tones == "strict"

        def row(tone: str) -> list[bool]:
            return [tones == {tone} if strict else tone in tones for tones in self._tones]

        level = row("平")
        # Taken strictly a rhyme is none by a rare reading, as 台 in 四支 or 平 in 一先.
        rhyming = [fits and len(of) == 1 for fits, of in zip(level, self._readings, strict=True)]
        rhyming = rhyming if strict else [True] * len(level)
        return torch.tensor([[True] * len(level), level, row("仄"), rhyming]).float()

    @cached_property
    def given(self) -> Tensor:
        """(4, V) bool: the same for characters that are given: one of their readings is enough."""
        unread = [self.wishes.tones == "loose" and not tones for tones in self._tones]
        rows = [[tone in tones or free for tones, free in zip(self._tones, unread, strict=True)] for tone in "平仄"]
        return torch.tensor([[True] * len(unread), *rows, [True] * len(unread)])

    @cached_property
    def members(self) -> Tensor:
        """(G, V) float, 1 for the characters of each group."""
        if self.groups == [None]:
            return torch.ones(1, len(self.layout.vocabulary))
        return torch.tensor([[group in of for of in self._readings] for group in self.groups]).float()

    @cached_property
    def rhyming(self) -> Tensor:
        """(G, V) float, 1 for the characters of each group that may be drawn to rhyme in it."""
        return self.members * self.drawn[RHYME]
