"""A form as a row of slots, each of which admits some symbols only.

::

    五言绝句, with punctuation          H H H H H ，   H H H H H 。   H H H H H ，   H H H H H 。
    and without                         H H H H H      H H H H H      H H H H H      H H H H H
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from tang.data.vocabulary import SPECIALS, Vocabulary
from tang.errors import InputError
from tang.text.forms import FORMS, LINE_END, PUNCTUATION, Form, form_named, hanzi, split_lines
from tang.text.script import SCRIPTS, convert

INSIDE = "，？！；"
"""Marks after the first line of a couplet; the first of them is the default."""
END = "。？！；"
"""Marks after its second line."""


@dataclass(frozen=True)
class Layout:
    """The slots of ``form`` for a model with this vocabulary."""

    form: Form
    vocabulary: Vocabulary

    @cached_property
    def marks(self) -> list[str]:
        """After each line, the marks that the model can put there, "" if it knows none."""
        last = self.form.lines - 1
        wanted = ["。？！" if line == last else END if line % 2 else INSIDE for line in range(self.form.lines)]
        return ["".join(mark for mark in marks if mark in self.vocabulary) for marks in wanted]

    @cached_property
    def slots(self) -> list[str | None]:
        """What each slot admits: these marks, or (None) any Chinese character."""
        slots: list[str | None] = []
        for marks in self.marks:
            slots += [None] * self.form.chars + ([marks] if marks else [])
        return slots

    @cached_property
    def lines(self) -> Tensor:
        """(S,) the line of each slot, from 0; −1 for marks."""
        numbers = [line for line, marks in enumerate(self.marks) for _ in range(self.form.chars + bool(marks))]
        return torch.tensor([-1 if marks else n for n, marks in zip(numbers, self.slots, strict=True)])

    @cached_property
    def mask(self) -> Tensor:
        """(S, V) bool: whether a slot admits a symbol."""
        symbols = self.vocabulary.symbols
        is_hanzi = torch.tensor([symbol not in SPECIALS and bool(hanzi(symbol)) for symbol in symbols])
        rows = {marks: torch.tensor([symbol in marks for symbol in symbols]) for marks in set(self.marks) if marks}
        return torch.stack([is_hanzi if marks is None else rows[marks] for marks in self.slots])

    def place(self, start: str) -> list[int | None]:
        """For each slot the id that ``start`` puts there; None where the model chooses.

        A mark must come at the end of a line. It is put there if the form admits it; marks that are
        left out are the model's choice.

        Raises:
            InputError: ``start`` doesn't fit the form, or has a character that the model doesn't know.
        """
        slots = self.slots
        ids: list[int | None] = [None] * len(slots)
        hanzi_slots = [slot for slot, marks in enumerate(slots) if marks is None]
        count = 0
        for character in start:
            if character not in PUNCTUATION:
                if count == len(hanzi_slots):
                    raise InputError(f"start={start}: too long; {self.form} has {len(hanzi_slots)} characters")
                ids[hanzi_slots[count]] = self.id_of(character, f"start={start}")
                count += 1
            elif count == 0 or count % self.form.chars:
                raise InputError(
                    f"start={start}: {character} stands after {count} characters, "
                    f"but the lines of {self.form} have {self.form.chars}"
                )
            else:
                slot = hanzi_slots[count - 1] + 1
                if slot < len(slots) and character in (slots[slot] or ""):
                    ids[slot] = self.vocabulary.ids[character]
        if start and count == 0:
            raise InputError(f"start={start}: give at least one Chinese character to begin with")
        return ids

    def id_of(self, character: str, key: str) -> int:
        """The id of a Chinese character that was given with ``key``, or of its twin in the other script.

        Raises:
            InputError: it is none, or the model doesn't know it.
        """
        if not hanzi(character):
            raise InputError(f"{key}: {character!r} is not a Chinese character")
        if (known := in_vocabulary(character, self.vocabulary)) in self.vocabulary:
            return self.vocabulary.ids[known]
        raise InputError(f"{key}: the model doesn't know the character {character}")

    def read(self, ids: list[int]) -> list[tuple[str, str]]:
        """The lines of a poem with the marks after them; marks that the model can't write are the form's own."""
        text = self.vocabulary.decode(ids)
        lines = []
        for number, marks in enumerate(self.marks):
            line, text = text[: self.form.chars], text[self.form.chars :]
            ends = number % 2 or number == self.form.lines - 1
            mark, text = (text[0], text[1:]) if marks else ((END if ends else INSIDE)[0], text)
            lines.append((line, mark))
        return lines


def in_vocabulary(text: str, vocabulary: Vocabulary) -> str:
    """``text`` with each character that the vocabulary lacks in the other script, if it has that one: 国 for 國."""
    if all(character in vocabulary for character in text):
        return text
    twins = zip(text, *(convert([text], script)[0] for script in SCRIPTS), strict=True)
    return "".join(next((twin for twin in of if twin in vocabulary), of[0]) for of in twins)


def form_for(start: str, default: Form) -> Form:
    """The form for a poem that begins with ``start``.

    When ``start`` is a whole line or more, of five or seven characters, one with such lines: ``default``
    if it has them, else the shortest that holds it. Without marks it is so many whole lines.
    """
    first, *others = split_lines(start) or [""]
    chars, is_marked = len(hanzi(first)), first[-1:] in LINE_END or bool(others)

    def fits(form: Form) -> bool:
        are_lines = chars == form.chars if is_marked else chars > 0 and chars % form.chars == 0
        return are_lines and form.chars in (5, 7) and len(hanzi(start)) <= form.chars * form.lines

    return next((form for form in (default, *FORMS.values()) if fits(form)), default)


def asked_form(name: str | None, chars: int | None, lines: int | None) -> Form | None:
    """The form given by its name or by its numbers; None if neither is given.

    Raises:
        InputError: the name is unknown, or both are given, or one number without the other.
    """
    if name is not None:
        if chars is not None or lines is not None:
            raise InputError(f"form={name} and chars=, lines= exclude each other: give one")
        return form_named(name)
    if chars is None and lines is None:
        return None
    if chars is None or lines is None:
        raise InputError("chars= and lines= belong together: give both, or form=")
    return Form(chars, lines)
