"""The rules of rhyme and tones for a form's slots and a model's characters, as tensors."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from tang.errors import InputError
from tang.generation.slots import Layout
from tang.prosody.meter import Pattern, Strictness, patterns, rhyming_lines
from tang.prosody.rhymes import Group, groups, level_group, readings
from tang.text.forms import Form
from tang.text.script import Script

# Kinds of slots by the tone that a pattern wants; RHYME is the end of a line that rhymes.
FREE, LEVEL, OBLIQUE, RHYME = range(4)
KINDS = {"中": FREE, "平": LEVEL, "仄": OBLIQUE}


class Rules(NamedTuple):
    """The rules for all poems of a layout: P patterns, G rhyme groups, S slots, V symbols."""

    script: Script
    rhyme: str | None  # ``true``, or the group
    tones: Strictness | None
    patterns: Sequence[Pattern | None]  # the form's; without ``tones`` one that wants nothing, None
    groups: Sequence[Group | None]  # in which the poem may rhyme; without ``rhyme`` one that has all characters, None
    kinds: Tensor  # (P, S) the kind of each slot
    drawn: Tensor  # (4, V) float, 1 for the symbols that may be drawn for each kind of slot; under RHYME in any group
    given: Tensor  # (4, V) bool, as ``drawn`` for symbols that are given: one reading that fits is enough
    members: Tensor  # (G, V) float, 1 for the characters of each group
    rhyming: Tensor  # (G, V) float, 1 for the characters of each group that may be drawn to rhyme in it


@lru_cache(maxsize=1)  # for all batches of a layout, which come one after another
def rules(layout: Layout, script: Script, rhyme: str | None, tones: Strictness | None) -> Rules:
    """The rules of a layout; an InputError if the form has no patterns or too few lines, or there is no such group."""
    form = layout.form
    of_form, in_groups = patterns(form) if tones else [None], _groups(form, rhyme)
    rows = []
    for pattern in of_form:
        wanted = "".join(pattern.wanted(tones)) if pattern and tones else "中" * form.chars * form.lines
        row = [KINDS[tone] for tone in wanted]
        if rhyme is not None:
            for line in rhyming_lines(form.lines, pattern is not None and pattern.first_rhymes):
                row[(line + 1) * form.chars - 1] = RHYME
        rows.append(row)
    kinds = torch.zeros(len(rows), len(layout.slots), dtype=torch.long)
    kinds[:, layout.lines >= 0] = torch.tensor(rows)

    found = [readings(symbol, script) for symbol in layout.vocabulary.symbols]
    level, oblique = (torch.tensor([any(group.tone == tone for group in of) for of in found]) for tone in "平仄")
    every = torch.ones_like(level)
    drawn = torch.stack([every, level, oblique, every])
    if tones == "strict":
        # Taken strictly a character doesn't rhyme by a rare reading, such as 台 in 四支 or 平 in 一先.
        is_single = torch.tensor([len(of) == 1 for of in found])
        drawn = torch.stack([every, level & ~oblique, oblique & ~level, level & ~oblique & is_single])
    unread = ~level & ~oblique & (tones == "loose")
    given = torch.stack([every, level | unread, oblique | unread, every])
    members = torch.tensor([[group is None or group in of for of in found] for group in in_groups]).float()
    rhyming = members * drawn[RHYME]
    return Rules(script, rhyme, tones, of_form, in_groups, kinds, drawn.float(), given, members, rhyming)


def _groups(form: Form, rhyme: str | None) -> Sequence[Group | None]:
    if rhyme is None:
        return [None]
    if form.lines < 4:
        raise InputError(f"rhyme={rhyme}: {form} has too few lines to rhyme; give 4 or more")
    return [group for group in groups() if group.tone == "平"] if rhyme == "true" else [level_group(rhyme)]
