"""Words that a poem should have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tang.config.rules import key
from tang.errors import InputError
from tang.generation.constraints.base import Batch, Constraint, Tracker, refuse_empty

if TYPE_CHECKING:
    from torch import Tensor

LEAST, MOST = 3.0, 12.0  # nats in favour of a missing word, in the first slot and in the last where it fits
ATTEMPTS = 3  # how often a word may be begun in a poem without its other characters following, before it is given up


@dataclass
class Contains(Constraint):
    """Favours some words; best effort."""

    contains: list[str] | None = key(None, "words that a poem should have, 月,酒; best effort")

    def check(self) -> None:
        refuse_empty("contains", self.contains)

    def tracker(self, batch: Batch) -> Words:
        layout, form, words = batch.layout, batch.layout.form, self.contains or []
        for word in words:
            if not 0 < len(word) <= form.chars:
                raise InputError(f"contains={word}: give words of 1 to {form.chars} characters, contains=月,酒")
        if sum(map(len, words)) > form.chars * form.lines:
            raise InputError(f"contains={','.join(words)}: more than {form} has room for")
        return Words(batch, {word: [layout.id_of(symbol, f"contains={word}") for symbol in word] for word in words})


class Words(Tracker):
    """Raises the score of a missing word's next character, the more the later it is; ``words`` are word → ids."""

    def __init__(self, batch: Batch, words: dict[str, list[int]]) -> None:
        super().__init__(batch)
        self.words = {word: batch.given.new_tensor(ids) for word, ids in words.items()}

    def _is_missing(self, word: Tensor, known: Tensor) -> Tensor:
        """(B,) bool: whether the word stands in no line of the poems ``known`` (B, S)."""
        windows = known.unfold(1, len(word), 1)
        in_line = (self.lines.unfold(0, len(word), 1) == self.lines[: windows.shape[1], None]).all(-1)
        return ~((windows == word).all(-1) & in_line).any(1)

    def bias(self, slot: int) -> Tensor | None:
        line = self.lines[slot]
        if line < 0:
            return None
        bias = self.known.new_zeros(len(self.known), self.vocabulary_size).float()
        first, last = (self.lines == line).nonzero()[[0, -1], 0].tolist()
        for word in self.words.values():
            missing = self._is_missing(word, self.known)
            # If the word's first ``begun`` characters stand just before this slot, its next one belongs here.
            for begun in range(min(len(word), slot - first + 1)):
                start = slot - begun
                if start + len(word) > last + 1:
                    continue
                before, after = self.known[:, start:slot], self.known[:, slot : start + len(word)]
                fits = (before == word[:begun]).all(1) & ((after < 0) | (after == word[begun:])).all(1)
                urgency = MOST if begun else LEAST + (MOST - LEAST) * slot / len(self.lines)
                if not begun and len(word) > 1:
                    fits &= (self.known[:, :slot] == word[0]).sum(1) < ATTEMPTS
                bias[:, word[begun]] = bias[:, word[begun]].maximum(urgency * (fits & missing))
        return bias

    def report(self, row: int) -> dict[str, Any]:
        known = self.known[row : row + 1]
        return {"missing": [word for word, ids in self.words.items() if self._is_missing(ids, known)]}
