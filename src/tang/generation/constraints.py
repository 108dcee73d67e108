"""What a poem may go on with, beyond its form; each constraint watches a batch of poems grow, slot by slot."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tang.generation.overlap import SPAN, Spans

IMPOSSIBLE = float("-inf")


class Constraint:
    """Of B poems; a constraint overrides what concerns it."""

    def bias(self, slot: int) -> Tensor | None:
        """(B, V) what is added to the scores of the slot's symbols, −∞ where one can't stand; None: nothing."""
        return None

    def refuses(self, slot: int, symbols: Tensor, rows: Tensor | None = None) -> Tensor | None:
        """(N,) bool: which of these symbols (N,) can't stand after all, in the poems ``rows`` (N,) or in all B;
        None: none."""
        return None

    def take(self, slot: int, symbols: Tensor) -> None:
        """Each poem goes on with its one of ``symbols`` (B,)."""

    def select(self, rows: Tensor) -> None:
        """Go on with copies of these poems, (B',) indices."""


class NoRepeat(Constraint):
    """No character twice in a poem, unless doubled within a line; what is given may stand as it is.

    Args:
        given: (B, S) the symbol that a slot must have, −1 where it is drawn.
        lines: (S,) the line of each slot, −1 for marks.
        vocabulary_size: V.
    """

    def __init__(self, given: Tensor, lines: Tensor, vocabulary_size: int) -> None:
        self.given, self.lines = given, lines
        self.counts = torch.zeros(len(given), vocabulary_size, dtype=torch.int16)
        characters = given[:, lines >= 0]
        self.counts.scatter_add_(1, characters.clamp(min=0), (characters >= 0).short())
        self.last = torch.zeros(len(given), dtype=torch.long)

    @property
    def used(self) -> Tensor:
        """(B, V) bool: the characters that stand in a poem, what is given for later slots among them."""
        return self.counts > 0

    def bias(self, slot: int) -> Tensor | None:
        if self.lines[slot] < 0:
            return None
        barred = self.used
        if slot and self.lines[slot] == self.lines[slot - 1]:
            barred = barred.scatter(1, self.last[:, None], self.counts.gather(1, self.last[:, None]) > 1)
        return torch.zeros(barred.shape).masked_fill_(barred, IMPOSSIBLE)

    def take(self, slot: int, symbols: Tensor) -> None:
        if self.lines[slot] >= 0:
            is_new = (self.given[:, slot] < 0).short()
            self.counts = self.counts.scatter_add(1, symbols[:, None], is_new[:, None])
            self.last = symbols

    def select(self, rows: Tensor) -> None:
        self.given, self.counts, self.last = self.given[rows], self.counts[rows], self.last[rows]


class Contains(Constraint):
    """Some words, where they find a place: the longer one is missing, the more its first character is favoured.

    A word of several characters is begun where its other slots are free, or have them already, and given up after
    :data:`TRIES` beginnings that something else broke off.

    Args:
        words: each a list of ids; there is one at least.
        given, lines, vocabulary_size: as above.
    """

    LEAST, MOST = 3.0, 12.0
    """Nats in favour of a missing word, in the first slot and in the last where it fits."""
    TRIES = 3

    def __init__(self, words: Sequence[Sequence[int]], given: Tensor, lines: Tensor, vocabulary_size: int) -> None:
        self.words, self.lines, self.vocabulary_size = [torch.tensor(word) for word in words], lines, vocabulary_size
        self.drawn = given.clone()

    def missing(self) -> Tensor:
        """(B, W) bool: the words that a poem doesn't have, as far as it is known."""
        return torch.stack([~self._stands(word).any(1) for word in self.words], 1)

    def _stands(self, word: Tensor) -> Tensor:
        """(B, S') bool: whether the word begins at a slot."""
        windows = self.drawn.unfold(1, len(word), 1)
        in_line = (self.lines.unfold(0, len(word), 1) == self.lines[: windows.shape[1], None]).all(-1)
        return (windows == word).all(-1) & in_line

    def bias(self, slot: int) -> Tensor | None:
        if self.lines[slot] < 0:
            return None
        missing = self.missing()
        bias = torch.zeros(len(self.drawn), self.vocabulary_size)
        line = int(self.lines[slot])
        first, last = (int(end) for end in (self.lines == line).nonzero()[[0, -1], 0])
        for number, word in enumerate(self.words):
            for begun in range(min(len(word), slot - first + 1)):
                if slot - begun + len(word) > last + 1:
                    continue
                before, here = self.drawn[:, slot - begun : slot], self.drawn[:, slot : slot - begun + len(word)]
                fits = (before == word[:begun]).all(1) & ((here < 0) | (here == word[begun:])).all(1)
                if begun:
                    urgency = self.MOST
                else:
                    urgency = self.LEAST + (self.MOST - self.LEAST) * slot / len(self.lines)
                    if len(word) > 1:
                        fits &= (self.drawn[:, :slot] == word[0]).sum(1) < self.TRIES
                favour = urgency * (fits & missing[:, number])
                bias[:, word[begun]] = torch.maximum(bias[:, word[begun]], favour)
        return bias

    def take(self, slot: int, symbols: Tensor) -> None:
        self.drawn[:, slot] = symbols

    def select(self, rows: Tensor) -> None:
        self.drawn = self.drawn[rows]


class NoCopy(Constraint):
    """No line and no five characters in a row, marks left out, that stand in the training part; but what is given may.

    Args:
        spans: what stands there.
        given, lines: as above.
    """

    def __init__(self, spans: Spans, given: Tensor, lines: Tensor) -> None:
        self.spans = spans
        self.places = {slot: place for place, slot in enumerate((lines >= 0).nonzero()[:, 0].tolist())}
        self.chars = int((lines == 0).sum())
        self.known = given[:, lines >= 0].clone()

    def refuses(self, slot: int, symbols: Tensor, rows: Tensor | None = None) -> Tensor | None:
        place = self.places.get(slot)
        if place is None:
            return None
        known = self.known.clone() if rows is None else self.known[rows]
        known[:, place] = symbols
        refused = torch.zeros(len(symbols), dtype=torch.bool)
        if self.chars < SPAN:  # a line is shorter than a span, and wholly known only with its last unknown character
            start = place - place % self.chars
            line = known[:, start : start + self.chars]
            whole = (line >= 0).all(1)
            refused |= whole & torch.tensor([self.spans.has_line(ids) for ids in line.tolist()])
        for start in range(max(0, place - SPAN + 1), min(place, known.shape[1] - SPAN) + 1):
            window = known[:, start : start + SPAN]
            whole = (window >= 0).all(1)
            if whole.any():
                refused[whole] |= torch.from_numpy(self.spans.is_copied(window[whole].numpy()))
        return refused

    def take(self, slot: int, symbols: Tensor) -> None:
        if slot in self.places:
            self.known[:, self.places[slot]] = symbols

    def select(self, rows: Tensor) -> None:
        self.known = self.known[rows]
