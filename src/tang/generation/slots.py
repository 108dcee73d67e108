"""A form as a row of slots, each of which admits some symbols only.

::

    五言绝句, with punctuation          H H H H H ，   H H H H H 。   H H H H H ，   H H H H H 。
    and without                         H H H H H      H H H H H      H H H H H      H H H H H
"""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, islice, pairwise

import torch
from torch import Tensor

from tang.data.vocabulary import Vocabulary
from tang.errors import InputError
from tang.text.forms import FORMS, LINE_END, PUNCTUATION, Form, hanzi, split_lines
from tang.text.script import SCRIPTS, convert

INSIDE = "，？！；"  # marks after the first line of a couplet; the first of them is the default
END = "。？！；"  # marks after its second line
LAST = "。？！"  # marks after a poem's last line
GAP = "□"  # A character to be filled in


@dataclass(frozen=True)
class Layout:
    """The S slots of ``form`` for a model with this vocabulary of V symbols."""

    form: Form
    vocabulary: Vocabulary
    undrawn: frozenset[str] = frozenset()  # characters that a poem may be given, but that are never drawn

    @cached_property
    def marks(self) -> list[str]:
        """For each line the marks that the model can write after it, "" if it knows none."""
        return ["".join(mark for mark in after if mark in self.vocabulary) for after in _marks(self.form)]

    @cached_property
    def slots(self) -> list[str | None]:
        """For each slot the marks that it admits, or None for any Chinese character."""
        by_line = zip(self.form.lengths, self.marks, strict=True)
        return [slot for chars, marks in by_line for slot in [None] * chars + ([marks] if marks else [])]

    @cached_property
    def character_slots(self) -> list[int]:
        """The slots of the Chinese characters."""
        return [slot for slot, marks in enumerate(self.slots) if marks is None]

    @cached_property
    def lines(self) -> Tensor:
        """(S,) the line of each slot, from 0; −1 for marks."""
        lines = torch.full((len(self.slots),), -1)
        lines[self.character_slots] = torch.arange(self.form.lines).repeat_interleave(torch.tensor(self.form.lengths))
        return lines

    @cached_property
    def ends(self) -> list[int]:
        """For each line the number of characters up to its end."""
        return list(accumulate(self.form.lengths))

    @cached_property
    def mask(self) -> Tensor:
        """(S, V) bool: whether a slot admits a symbol."""
        symbols = self.vocabulary.symbols
        is_hanzi = torch.tensor([bool(hanzi(symbol)) and symbol not in self.undrawn for symbol in symbols])
        rows = {marks: torch.tensor([symbol in marks for symbol in symbols]) for marks in self.marks}
        return torch.stack([is_hanzi if marks is None else rows[marks] for marks in self.slots])

    def where(self, slot: int) -> tuple[int, int]:
        """The line of a slot and the place of its character in that line, both from 1."""
        before = bisect_right(self.character_slots, slot) - 1
        line = bisect_right(self.ends, before)
        return line + 1, before - self.ends[line] + self.form.lengths[line] + 1

    def prompt_ids(self, start: str, asked: str = "start") -> list[int]:
        """(S,) the id that ``start`` puts into each slot; −1 where the model chooses, as at :data:`GAP`.

        A mark must come at the end of a line, and is put there if the form admits it. An InputError if ``start``
        doesn't fit the form, or has a character that the model doesn't know. What follows the last mark doesn't fit
        where it is longer than its line, unless it is whole lines. ``asked`` is the key of ``start``.
        """
        ids, key, count, marked = [-1] * len(self.slots), f"{asked}={start}", 0, 0
        if start and all(character in PUNCTUATION for character in start):
            raise InputError(f"{key}: give at least one Chinese character to begin with")
        lengths = ", ".join(map(str, dict.fromkeys(self.form.lengths)))
        other = form_for(start, self.form)
        advice = "give another form=" if other == self.form else f"give form={other}"
        for previous, character in pairwise(f" {start}"):
            if character not in PUNCTUATION:
                if count == len(self.character_slots):
                    has = f"{self.form} has {count} characters"
                    raise InputError(f"{key}: too long; {has}; {advice}, or a shorter {asked}")
                if character != GAP:
                    ids[self.character_slots[count]] = self.id_of(character, key)
                count += 1
            elif previous in PUNCTUATION:
                raise InputError(f"{key}: {previous}{character} stand together; leave one of them out")
            elif count not in self.ends:
                after = f"{character} stands after {count} characters"
                raise InputError(f"{key}: {after}, but the lines of {self.form} have {lengths}; {advice}")
            else:
                marked = count
                if character in self.marks[self.ends.index(count)]:
                    ids[self.character_slots[count - 1] + 1] = self.vocabulary.ids[character]
        if count not in self.ends and any(marked < end < count for end in self.ends):
            cut = f"the lines of {self.form} have {lengths}, and would cut these {count - marked} characters"
            raise InputError(f"{key}: {cut}; {advice}, or a mark after each line")
        return ids

    def id_of(self, character: str, key: str) -> int:
        """The id of a Chinese character given with ``key``, in either script; an InputError if there is none."""
        if not hanzi(character):
            raise InputError(f"{key}: {character!r} is not a Chinese character")
        if (known := in_vocabulary(character, self.vocabulary)) in self.vocabulary:
            return self.vocabulary.ids[known]
        raise InputError(f"{key}: the model doesn't know the character {character}")

    def read(self, ids: list[int]) -> tuple[list[str], str]:
        """The lines of a poem, and its text, a couplet a line; marks that the model can't write are the form's own."""
        text, lines, marked = iter(self.vocabulary.decode(ids)), [], []
        for chars, written, own in zip(self.form.lengths, self.marks, _marks(self.form), strict=True):
            lines.append("".join(islice(text, chars)))
            marked.append(lines[-1] + (next(text) if written else own[0]))
        return lines, "\n".join("".join(marked[i : i + 2]) for i in range(0, len(marked), 2))


def _marks(form: Form) -> list[str]:
    """The marks that may stand after each line, the default first; in a song any mark may."""
    if form.differing:
        return ["，。？！；"] * (form.lines - 1) + [LAST]
    return [END if line % 2 else INSIDE for line in range(form.lines - 1)] + [LAST]


def in_vocabulary(text: str, vocabulary: Vocabulary) -> str:
    """``text``; a character that the vocabulary lacks is written in the other script if it has that: 国 for 國."""
    characters = zip(text, *(convert([text], script)[0] for script in SCRIPTS), strict=True)
    return "".join(next((v for v in variants if v in vocabulary), variants[0]) for variants in characters)


def form_for(start: str, default: Form) -> Form:
    """The form for a poem that begins with ``start``.

    When ``start`` is a whole line or more, of five or seven characters, it is one with such lines: ``default``
    if it has them, else the shortest that holds ``start``. Without marks, ``start`` must be whole lines.
    """
    first = next(iter(split_lines(start)), "")
    chars, is_marked = len(hanzi(first)), first[-1:] in LINE_END

    def fits(form: Form) -> bool:
        if form.chars not in (5, 7) or chars == 0:
            return False
        are_lines = chars == form.chars if is_marked else chars % form.chars == 0
        return are_lines and len(hanzi(start)) <= sum(form.lengths)

    return next((form for form in (default, *FORMS.values()) if fits(form)), default)
