"""The two halves of a constraint: its keys and checks, and the tracker that enforces it on a batch of poems."""

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

IMPOSSIBLE = float("-inf")  # The score of a symbol that can't be drawn


@dataclass
class Constraint:
    """A condition on poems; subclasses are dataclasses of config keys and override the methods they need."""

    needs_corpus: ClassVar[bool] = False  # whether it compares poems with the training split

    def given_keys(self) -> dict[str, Any]:
        """The keys that differ from their defaults; without any the constraint isn't active."""
        default = type(self)()
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) != getattr(default, f.name)}

    def __str__(self) -> str:
        """The keys as they are typed: ``rhyme=true tones=strict``."""
        given = self.given_keys().items()
        texts = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in given}
        return " ".join(f"{name}={'true' if text == 'True' else text}" for name, text in texts.items())

    def check(self) -> None:
        """Raise an InputError if keys are empty or contradict each other; called whether it is active or not."""

    def alternatives(self) -> Sequence[Constraint]:
        """What is asked for one after the other: poems are written for each."""
        return [self]

    @property
    def texts(self) -> Sequence[str]:
        """Texts that poems are given, whether or not the model knows their characters."""
        return []

    @property
    def given(self) -> str:
        """The characters of :attr:`texts`."""
        return "".join(self.texts)

    @property
    def drawn(self) -> str:
        """Those of :attr:`given` that have no slot of their own, but are drawn where the tracker says."""
        return ""

    @property
    def lines(self) -> int:
        """The lines that a poem must have at least."""
        return 0

    def fixed(self, layout: Layout) -> dict[int, int]:
        """Slot → id of the symbols put into a poem before any is drawn; an InputError if they don't fit the form."""
        return {}

    def tracker(self, batch: DraftBatch) -> Tracker | None:
        """The tracker of a batch, or None if none is needed; an InputError if no poem can meet the constraint."""
        return None


@dataclass(frozen=True)
class DraftBatch:
    """B poems of one layout with S slots, about to be written in V symbols."""

    layout: Layout
    given: Tensor  # (B, S) the id that a slot must have, −1 where the model draws it
    script: Script  # of the model's vocabulary
    known: int  # symbols that the model knows; those from this id on it reads as <unk>
    spans: Spans | None  # the training split's, if a constraint needs the corpus
    trackers: Sequence[Tracker]  # of the constraints that come before in the list
    embedding: Tensor | None = None  # (V, E) the model's, of the symbols that it knows


class Tracker:
    """Follows a batch slot by slot and says which symbols may come next; subclasses override what they need."""

    def __init__(self, batch: DraftBatch) -> None:
        self.batch, self.line_of_slot, self.vocabulary_size = batch, batch.layout.lines, len(batch.layout.vocabulary)
        self.given, self.known = batch.given, batch.given.clone()  # (B, S); known: ids given or drawn so far, else −1

    def bias(self, slot: int) -> Tensor | None:
        """(B, V) added to the scores of the slot's symbols, −∞ for those that are forbidden; None adds nothing."""
        return None

    def rejects(self, slot: int, symbols: Tensor, rows: Tensor | None = None) -> Tensor | None:
        """(N,) bool: whether ``symbols`` (N,), drawn for the poems ``rows`` (N,) or for all B, are forbidden after all.

        For conditions that are too slow to check for all V symbols; None rejects nothing.
        """
        return None

    def take(self, slot: int, symbols: Tensor) -> None:
        """Append ``symbols`` (B,), one to each poem."""
        self.known[:, slot] = symbols

    def select(self, rows: Tensor) -> None:
        """Replace the poems by copies of the poems ``rows`` (B',)."""
        self.given, self.known = self.given[rows], self.known[rows]

    def merit(self) -> Tensor | None:
        """(B,) nats that the finished poems are worth beside their ln p, where the best are shown; None: nothing."""
        return None

    def unavailable(self) -> Tensor | None:
        """(B, V) bool: characters that can't be drawn in any later slot; None: there are no such characters."""
        return None

    def counts(self, slots: Tensor) -> Tensor:
        """(B, V) int16: how often each symbol is known to stand in ``slots``, (S,) bool."""
        symbols = self.known[:, slots]
        counts = symbols.short().new_zeros(len(symbols), self.vocabulary_size)
        return counts.scatter_add_(1, symbols.clamp(min=0), (symbols >= 0).short())

    def report(self, row: int) -> dict[str, Any]:
        """Fields of :class:`~tang.generation.poem.Poem` for the finished poem ``row``."""
        return {}


def forbid(symbols: Tensor) -> Tensor:
    """(B, V) −∞ where ``symbols`` (B, V) bool is true, 0 elsewhere."""
    return symbols.float().masked_fill_(symbols, IMPOSSIBLE)


def refuse_empty(name: str, value: str | list[str] | None) -> None:
    """Raise an InputError if the key ``name`` is an empty text, an empty list, or has an empty text in it."""
    texts = [value] if isinstance(value, str) else value
    if texts is not None and not (texts and all(text.strip() for text in texts)):
        raise InputError(f"{name}= is empty: give something, or leave the key out")
