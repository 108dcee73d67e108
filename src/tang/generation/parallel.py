"""The tracker of ``couplet=``: a second line that is parallel to the first (对仗)."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from tang.data.vocabulary import UNK
from tang.generation.constraint import IMPOSSIBLE, DraftBatch, Tracker
from tang.prosody.parallelism import cosines, tone_numbers, toneless
from tang.prosody.rhymes import tones

# Nats that a cosine of 1 between two characters is worth: by so much the second lines of 480 parallel couplets of the
# val split are told from the shipped model's own (logistic regression, ± 0.2).
WEIGHT = 2.8


class ParallelTracker(Tracker):
    """Opposes tones place by place, and favors characters that resemble in meaning those they face.

    A character with readings of both tones, or none, may face any; one without readings faces none that has one tone.
    The second line has no character of the first, and repeats its own where the first does and nowhere else.
    """

    def __init__(self, batch: DraftBatch) -> None:
        super().__init__(batch)
        assert batch.embedding is not None, "couplets need it"
        symbols, slots = batch.layout.vocabulary.symbols, batch.layout.character_slots
        self.second = slots[len(slots) // 2 :]
        self.first = batch.given[0, slots[: len(slots) // 2]]
        found = [tones(symbol, batch.script) for symbol in symbols]
        facing = [found[id] for id in self.first.tolist()]
        opposed = [[len(tone) != 1 or bool(own - tone) for own in found] for tone in facing]
        # The vocabulary is in the order of frequency, so by Zipf's law a character counts as much as 1 / rank.
        counts = 1 / np.arange(1, batch.known + 1)
        vectors = toneless(batch.embedding.numpy(), counts, tone_numbers(symbols[: batch.known], batch.script))
        faced = vectors[self.first.where(self.first < batch.known, UNK)]
        self.similarity = torch.zeros(len(faced), len(symbols))  # (chars, V)
        self.similarity[:, : batch.known] = torch.tensor(np.stack([cosines(one, vectors) for one in faced]))
        self.scores = (WEIGHT * self.similarity).masked_fill(~torch.tensor(opposed), IMPOSSIBLE)
        self.scores[:, self.first] = IMPOSSIBLE

    def bias(self, slot: int) -> Tensor | None:
        if slot not in self.second:
            return None
        place = self.second.index(slot)
        scores = self.scores[place].repeat(len(self.known), 1)
        for before in range(place):
            symbols = self.known[:, self.second[before], None]
            if self.first[before] == self.first[place]:
                only = torch.full_like(scores, IMPOSSIBLE)
                scores = only.scatter_(1, symbols, scores.gather(1, symbols))
            else:
                scores = scores.scatter(1, symbols, IMPOSSIBLE)
        return scores

    def merit(self) -> Tensor:
        return WEIGHT * self._similarities().sum(1)

    def report(self, row: int) -> dict[str, Any]:
        return {"parallelism": float(self._similarities()[row].mean())}

    def _similarities(self) -> Tensor:
        """(B, chars) of the characters that face each other."""
        return self.similarity.gather(1, self.known[:, self.second].clamp(min=0).T).T
