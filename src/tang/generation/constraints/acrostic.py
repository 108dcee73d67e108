"""Acrostics (藏头诗): what the lines begin or end with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tang.config.rules import key, one_of
from tang.errors import InputError
from tang.generation.constraints.base import Constraint, refuse_empty
from tang.text.forms import PUNCTUATION
from tang.text.script import MARKS

if TYPE_CHECKING:
    from tang.generation.slots import Layout


@dataclass
class Acrostic(Constraint):
    """Puts one character into each of the first lines."""

    acrostic: str | None = key(None, "characters that the lines begin with, 春夏秋冬")
    acrostic_at: str = key("first", "first: lines begin with acrostic; last: they end with it", one_of("first", "last"))

    def __post_init__(self) -> None:
        if self.acrostic is not None:
            self.acrostic = "".join(
                c for c in self.acrostic.translate(MARKS) if c not in PUNCTUATION and not c.isspace()
            )

    def check(self) -> None:
        refuse_empty("acrostic", self.acrostic)
        if self.acrostic_at == "last" and not self.acrostic:
            raise InputError("acrostic_at=last: says where the acrostic stands; give one, acrostic=春夏秋冬")

    def place(self, layout: Layout) -> dict[int, int]:
        text, form = self.acrostic or "", layout.form
        if len(text) > form.lines:
            raise InputError(f"acrostic={text}: it has {len(text)} characters, but {form} has {form.lines} lines")
        slots = layout.character_slots[form.chars - 1 if self.acrostic_at == "last" else 0 :: form.chars]
        return {slot: layout.id_of(character, f"acrostic={text}") for slot, character in zip(slots, text, strict=False)}
