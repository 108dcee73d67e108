"""The two halves of a constraint: its keys and checks, and the tracker that enforces it on a batch of poems.

Nothing in this package imports PyTorch when it is imported itself, which takes seconds: ``sample.py --help`` needs the
keys alone. Trackers get by with the methods of the tensors that they are given, or import it late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from tang.errors import InputError
from tang.text.script import Script

if TYPE_CHECKING:
    from torch import Tensor

    from tang.generation.overlap import Spans
    from tang.generation.slots import Layout

IMPOSSIBLE = float("-inf")
"""The score of a symbol that can't be drawn."""


@dataclass
class Constraint:
    """A condition that poems must meet, or should.

    A subclass is a dataclass too. Its fields are config keys, declared with :func:`~tang.config.rules.key`, and it
    overrides the methods it needs.
    """

    needs_corpus: ClassVar[bool] = False
    """Whether it compares poems with the training split."""

    @property
    def is_active(self) -> bool:
        """Whether one of its keys differs from its default."""
        return self != type(self)()

    def __str__(self) -> str:
        """The keys as typed: ``rhyme=true tones=strict``."""
        default = type(self)()
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        return " ".join(f"{name}={typed(value)}" for name, value in given.items() if value != getattr(default, name))

    def check(self) -> None:
        """Raise an InputError if keys are empty or contradict each other; called whether it is active or not."""

    def place(self, layout: Layout) -> dict[int, int]:
        """Slot → id of the symbols that the constraint puts into a poem before any is drawn.

        Raises:
            InputError: they don't fit the form, or the model doesn't know one.
        """
        return {}

    def tracker(self, context: Context, given: Tensor, others: Sequence[Tracker]) -> Tracker | None:
        """The tracker of a batch of B poems; None if :meth:`place` does all that is needed.

        Args:
            context: what the poems have in common.
            given: (B, S) the id that a slot must have, −1 where the model draws it.
            others: the batch's trackers of the constraints before this one.

        Raises:
            InputError: no poem can meet the constraint.
        """
        return None


class Tracker:
    """Follows B poems slot by slot and says which symbols may come next; subclasses override what they need."""

    def bias(self, slot: int) -> Tensor | None:
        """(B, V) added to the scores of the slot's symbols, −∞ for those that are forbidden; None adds nothing."""
        return None

    def refuses(self, slot: int, symbols: Tensor, rows: Tensor | None = None) -> Tensor | None:
        """(N,) bool: which of ``symbols`` (N,), drawn for the poems ``rows`` (N,) or for all B, are forbidden.

        It is for what takes too long to find out for all V symbols. None refuses nothing.
        """
        return None

    def take(self, slot: int, symbols: Tensor) -> None:
        """Append ``symbols`` (B,), one to each poem."""

    def select(self, rows: Tensor) -> None:
        """Replace the poems by copies of the poems ``rows`` (B',)."""

    def used(self) -> Tensor | None:
        """(B, V) bool: characters that can't be drawn in any later slot; None: there are no such characters."""
        return None

    def report(self, row: int) -> dict[str, Any]:
        """Fields of :class:`~tang.generation.poem.Poem` for the finished poem ``row``."""
        return {}


@dataclass(frozen=True)
class Context:
    """What the poems of one layout have in common."""

    layout: Layout
    script: Script
    """The script of the model's vocabulary."""
    spans: Spans | None
    """The lines and spans of the training split, if a constraint needs the corpus."""


def forbid(symbols: Tensor) -> Tensor:
    """(B, V) −∞ where ``symbols`` (B, V) bool is true, 0 elsewhere."""
    return symbols.float().masked_fill_(symbols, IMPOSSIBLE)


def typed(value: Any) -> str:
    """A value as it is typed on the command line."""
    return ",".join(value) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else str(value)


def refuse_empty(name: str, value: str | list[str] | None) -> None:
    """Raise an InputError if the key ``name`` is an empty text, an empty list, or has an empty text in it."""
    texts = [value] if isinstance(value, str) else value
    if texts is not None and not (texts and all(text.strip() for text in texts)):
        raise InputError(f"{name}= is empty: give something, or leave the key out")
