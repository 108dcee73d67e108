"""A trigram model with interpolated, modified Kneser–Ney smoothing: what counting alone can predict.

With a(g) the count of an n-gram g = (context, w), D its discount and h' the context h without its first symbol::

    p(w | h) = max(a(hw) − D(a(hw)), 0) / Σ_w a(hw) + γ(h) p(w | h')
    γ(h)     = Σ_w D(a(hw)) / Σ_w a(hw),            1 where h was never seen

For trigrams, and for n-grams that begin with ``<bos>``, a is how often they occur; for shorter ones how many
different symbols come before them. D is D₁, D₂ or D₃ for counts of 1, 2, and 3 or more, from the numbers n₁ … n₄
of n-grams that have these counts::

    Y = n₁ / (n₁ + 2n₂),   D₁ = 1 − 2Y n₂/n₁,   D₂ = 2 − 3Y n₃/n₂,   D₃ = 3 − 4Y n₄/n₃

Unigrams go on to the uniform distribution over all that can come: every symbol but ``<pad>`` and ``<bos>``.

Chen & Goodman 1999, An empirical study of smoothing techniques for language modeling, §3; Kneser & Ney 1995.
"""

from dataclasses import dataclass

import numpy as np

from tang.data.prepare import Sequences
from tang.data.vocabulary import BOS

BITS = np.uint64(16)
"""Of an id in the code of an n-gram, whose last symbol has the lowest."""

ONE, PAIR, TRIPLE = ((np.uint64(1) << size * BITS) - np.uint64(1) for size in (1, 2, 3))
"""What they leave of a code: its last symbol, or two, or three."""

FALLBACK = np.array([0.5, 1.0, 1.5])
"""The discounts where a corpus is too small to estimate them (those of KenLM: Heafield 2013)."""


@dataclass(frozen=True)
class Order:
    """The n-grams of one length."""

    grams: np.ndarray
    """Their codes, sorted."""
    shares: np.ndarray
    """The discounted count of each ÷ its context's."""
    contexts: np.ndarray
    """The codes of their contexts, sorted."""
    backoffs: np.ndarray
    """γ of each context."""

    @classmethod
    def of(cls, grams: np.ndarray, counts: np.ndarray) -> "Order":
        """From distinct codes, sorted, and their counts."""
        discount = discounts(counts)[np.minimum(counts, 3) - 1]
        contexts, begins = _runs(grams >> BITS)
        totals = np.add.reduceat(counts, begins)
        sizes = np.diff(begins, append=len(grams))
        shares = (counts - discount) / np.repeat(totals, sizes)
        return cls(grams, shares, contexts, np.add.reduceat(discount, begins) / totals)

    def p(self, codes: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """(N,) the probability of each n-gram's last symbol (codes (N,)), given that after a context one shorter."""
        backoffs = _look_up(self.contexts, self.backoffs, codes >> BITS, default=1.0)
        p: np.ndarray = _look_up(self.grams, self.shares, codes, default=0.0) + backoffs * lower
        return p


@dataclass(frozen=True)
class Trigram:
    """Predicts a symbol from the two before it; see the module for the formulas."""

    orders: tuple[Order, Order, Order]
    """Of unigrams, bigrams and trigrams."""
    predicted: int
    """How many symbols can come."""

    @classmethod
    def of(cls, sequences: Sequences, vocabulary_size: int) -> "Trigram":
        """Trained on ``sequences``: ``<bos>`` characters ``<eos>``."""
        assert vocabulary_size <= 1 << int(BITS), "an id doesn't fit into its bits"
        codes = _codes(sequences)
        is_first = codes >> BITS == BOS
        trigrams, counts3 = _count(codes[~is_first])
        bigrams, counts2 = _count(np.append(trigrams & PAIR, codes[is_first]))
        unigrams, counts1 = _count(bigrams & ONE)
        return cls(
            (Order.of(unigrams, counts1), Order.of(bigrams, counts2), Order.of(trigrams, counts3)), vocabulary_size - 2
        )

    def nll(self, sequences: Sequences) -> np.ndarray:
        """(N,) −ln p of each of the :func:`targets`, float64."""
        codes = _codes(sequences)
        p = np.full(len(codes), 1 / self.predicted)
        for order, mask in zip(self.orders, (ONE, PAIR, TRIPLE), strict=True):
            p = order.p(codes & mask, p)
        nll: np.ndarray = -np.log(p)
        return nll


def discounts(counts: np.ndarray) -> np.ndarray:
    """(3,) D₁, D₂ and D₃ for n-grams with these counts."""
    n = np.bincount(np.minimum(counts, 5), minlength=6)[1:5]
    if not n.all():
        return FALLBACK
    steps = np.arange(1, 4)
    found = steps - (steps + 1) * n[0] / (n[0] + 2 * n[1]) * n[1:] / n[:-1]
    return found if ((found > 0) & (found < steps)).all() else FALLBACK


def targets(sequences: Sequences) -> np.ndarray:
    """(N,) the symbols of ``sequences`` after their ``<bos>``, one after another."""
    tokens = sequences.tokens[sequences.offsets[0] : sequences.offsets[-1]]
    return np.delete(tokens, sequences.offsets[:-1] - sequences.offsets[0])


def _codes(sequences: Sequences) -> np.ndarray:
    """(N,) the trigram that ends in each target; a sequence's first has 0 before its ``<bos>``."""
    tokens = sequences.tokens[sequences.offsets[0] : sequences.offsets[-1]].astype(np.uint64)
    begins = sequences.offsets[:-1] - sequences.offsets[0]
    codes: np.ndarray = tokens.copy()
    codes[1:] |= tokens[:-1] << BITS
    codes[2:] |= tokens[:-2] << BITS * np.uint64(2)
    codes[begins + 1] &= PAIR
    return np.delete(codes, begins)


def _count(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct ``codes``, sorted, and how often each occurs."""
    distinct, begins = _runs(np.sort(codes))
    return distinct, np.diff(begins, append=len(codes))


def _runs(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct ones of codes that are sorted, and where each begins."""
    begins = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    return ordered[begins], begins


def _look_up(known: np.ndarray, values: np.ndarray, codes: np.ndarray, default: float) -> np.ndarray:
    """(N,) the value of each of ``codes`` (N,) by those of ``known``, sorted; ``default`` if it isn't among them."""
    places = np.minimum(np.searchsorted(known, codes), len(known) - 1)
    found: np.ndarray = np.where(known[places] == codes, values[places], default)
    return found
