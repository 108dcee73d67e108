"""What a poem is to be, beside its form."""

from dataclasses import dataclass
from typing import Literal

from tang.errors import InputError
from tang.generation.slots import Layout
from tang.prosody.meter import Strictness


@dataclass(frozen=True)
class Wishes:
    """The constraints of a poem; by default there are none."""

    rhyme: str | None = None
    """``true``: the even lines rhyme, and the first where the pattern asks, in a group that the model chooses.
    Otherwise the group: its name, or a character of it."""
    tones: Strictness | None = None
    """Whether the poem keeps to a regulated pattern."""
    acrostic: str = ""
    """The characters that the lines begin with, or end with."""
    acrostic_at: Literal["first", "last"] = "first"
    contains: tuple[str, ...] = ()
    """Words that the poem should have somewhere, as far as they find a place."""
    no_repeat: bool = False
    """No character twice, unless doubled: 青青."""

    def __str__(self) -> str:
        """As they are asked for: ``rhyme=true tones=strict``."""
        asked = {
            "rhyme": self.rhyme,
            "tones": self.tones,
            "acrostic": self.acrostic,
            "contains": ",".join(self.contains),
            "no_repeat": "true" if self.no_repeat else None,
        }
        return " ".join(f"{key}={value}" for key, value in asked.items() if value)

    def place(self, layout: Layout, start: str) -> tuple[int, ...]:
        """(S,) the symbol that each slot of a poem must have, by ``start`` and the acrostic; −1 where it is drawn.

        Raises:
            InputError: they don't fit the form or each other, or have a character that the model doesn't know.
        """
        form, ids = layout.form, layout.place(start)
        if len(self.acrostic) > form.lines:
            raise InputError(
                f"acrostic={self.acrostic}: it has {len(self.acrostic)} characters, but {form} has {form.lines} lines"
            )
        slots = [slot for slot, line in enumerate(layout.lines.tolist()) if line >= 0]
        for line, character in enumerate(self.acrostic):
            slot = slots[line * form.chars + (form.chars - 1 if self.acrostic_at == "last" else 0)]
            id = layout.id_of(character, f"acrostic={self.acrostic}")
            if ids[slot] not in (None, id):
                stands = layout.vocabulary.symbols[ids[slot] or 0]
                raise InputError(
                    f"acrostic={self.acrostic}: {character} should be the {self.acrostic_at} character of line "
                    f"{line + 1}, but start={start} has {stands} there; leave one of the two out"
                )
            ids[slot] = id
        return tuple(-1 if id is None else id for id in ids)

    def words(self, layout: Layout) -> list[list[int]]:
        """The ids of ``contains``.

        Raises:
            InputError: a word is no word, the model doesn't know it, or the form has no room.
        """
        form = layout.form
        for word in self.contains:
            if not word or len(word) > form.chars:
                raise InputError(f"contains={word}: give words of 1 to {form.chars} characters, contains=月,酒")
        if sum(map(len, self.contains)) > form.chars * form.lines:
            raise InputError(f"contains={','.join(self.contains)}: more than {form} has room for")
        return [[layout.id_of(character, f"contains={word}") for character in word] for word in self.contains]
