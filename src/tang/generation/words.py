"""The constraints on words: those that a poem should have, and those that it may not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tang.config.keys import key
from tang.errors import InputError
from tang.generation.constraint import IMPOSSIBLE, Constraint, DraftBatch, Tracker, forbid, refuse_empty
from tang.text.characters import normalize
from tang.text.forms import hanzi

if TYPE_CHECKING:
    from torch import Tensor

LEAST_BONUS, MOST_BONUS = 3.0, 12.0  # nats in favor of a missing word, in the first slot and in the last where it fits
ATTEMPTS = 3  # how often a word may be begun in a poem without its other characters following, before it is given up


@dataclass
class Contains(Constraint):
    """Favors some words; best effort."""

    contains: list[str] | None = key(None, "words that a poem should have, 月,酒; best effort")

    def __post_init__(self) -> None:
        self.contains = self.contains and [normalize(word) for word in self.contains]

    @property
    def texts(self) -> list[str]:
        return self.contains or []

    @property
    def drawn(self) -> str:
        return self.given

    def check(self) -> None:
        refuse_empty("contains", self.contains)

    def tracker(self, batch: DraftBatch) -> WordTracker:
        layout, form, words = batch.layout, batch.layout.form, self.contains or []
        for word in words:
            if not 0 < len(word) <= max(form.lengths):
                raise InputError(f"contains={word}: give words of 1 to {max(form.lengths)} characters, contains=月,酒")
        if sum(map(len, words)) > sum(form.lengths):
            raise InputError(f"contains={','.join(words)}: more than {form} has room for")
        ids = {word: [layout.id_of(symbol, f"contains={word}") for symbol in word] for word in words}
        return WordTracker(batch, ids)


class WordTracker(Tracker):
    """Raises the score of a missing word's next character, the more the later it is; ``words`` are word → ids."""

    def __init__(self, batch: DraftBatch, words: dict[str, list[int]]) -> None:
        super().__init__(batch)
        self.words = {word: batch.given.new_tensor(ids) for word, ids in words.items()}
        self.guests = sorted({id for ids in words.values() for id in ids if id >= batch.known})

    def _is_missing(self, word: Tensor, known: Tensor) -> Tensor:
        """(B,) bool: whether the word stands in no line of the poems ``known`` (B, S)."""
        windows = known.unfold(1, len(word), 1)
        in_line = (self.line_of_slot.unfold(0, len(word), 1) == self.line_of_slot[: windows.shape[1], None]).all(-1)
        return ~((windows == word).all(-1) & in_line).any(1)

    def bias(self, slot: int) -> Tensor | None:
        line = self.line_of_slot[slot]
        if line < 0:
            return None
        share = slot / len(self.line_of_slot)
        bias = self.known.new_zeros(len(self.known), self.vocabulary_size).float()
        bias[:, self.guests] = IMPOSSIBLE  # but where a word goes on with it
        first, last = (self.line_of_slot == line).nonzero()[[0, -1], 0].tolist()
        for word in self.words.values():
            missing = self._is_missing(word, self.known)
            # If the word's first ``begun`` characters stand just before this slot, its next one belongs here.
            for begun in range(max(0, slot + len(word) - last - 1), min(len(word), slot - first + 1)):
                start = slot - begun
                before, after = self.known[:, start:slot], self.known[:, slot : start + len(word)]
                fits = (before == word[:begun]).all(1) & ((after < 0) | (after == word[begun:])).all(1)
                bonus = MOST_BONUS if begun else LEAST_BONUS + share * (MOST_BONUS - LEAST_BONUS)
                if not begun and len(word) > 1:
                    fits &= (self.known[:, :slot] == word[0]).sum(1) < ATTEMPTS
                column = bias[:, word[begun]]
                bias[:, word[begun]] = column.maximum(column.masked_fill(fits & missing, bonus))
        return bias

    def report(self, row: int) -> dict[str, Any]:
        known = self.known[row : row + 1]
        return {"missing": [word for word, ids in self.words.items() if self._is_missing(ids, known)]}


@dataclass
class Avoid(Constraint):
    """No poem has these words, but for given text."""

    avoid: list[str] | None = key(None, "words that no poem may have, 死,断肠,白头")

    def __post_init__(self) -> None:
        self.avoid = self.avoid and [normalize(word) for word in self.avoid]

    def check(self) -> None:
        refuse_empty("avoid", self.avoid)
        for word in self.avoid or []:
            if hanzi(word) != word:
                raise InputError(f"avoid={word}: give words of Chinese characters, avoid=死,白头")

    def tracker(self, batch: DraftBatch) -> AvoidTracker:
        return AvoidTracker(batch, self.avoid or [])


class AvoidTracker(Tracker):
    """Forbids the symbol that would complete a word within a line, from either side."""

    def __init__(self, batch: DraftBatch, words: list[str]) -> None:
        from tang.generation.slots import in_vocabulary

        super().__init__(batch)
        vocabulary = batch.layout.vocabulary
        known = [in_vocabulary(word, vocabulary) for word in words]
        # A word with a character that the model doesn't know is never written.
        self.words = [
            batch.given.new_tensor(vocabulary.encode(word)) for word in known if all(c in vocabulary for c in word)
        ]

    def bias(self, slot: int) -> Tensor | None:
        line = self.line_of_slot[slot]
        if line < 0:
            return None
        forbidden = self.known.new_zeros(len(self.known), self.vocabulary_size).bool()
        first, last = (self.line_of_slot == line).nonzero()[[0, -1], 0].tolist()
        for word in self.words:
            size = len(word)
            for start in range(max(first, slot - size + 1), min(slot, last - size + 1) + 1):
                window = self.known[:, start : start + size] == word
                window[:, slot - start] = True
                forbidden[:, word[slot - start]] |= window.all(1)
        return forbid(forbidden)
