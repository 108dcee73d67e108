"""A trigram model with interpolated, modified Kneser–Ney smoothing: the baseline that counting alone reaches.

With a(g) the count of an n-gram g = (context, w), D its discount and h' the context h without its first symbol::

    p(w | h) = max(a(hw) − D(a(hw)), 0) / Σ_w a(hw) + γ(h) p(w | h')
    γ(h)     = Σ_w D(a(hw)) / Σ_w a(hw),            1 where h was never seen

For trigrams, and for n-grams that begin with ``<bos>``, a is how often they occur; for shorter ones how many
different symbols precede them. D is D₁, D₂ or D₃ for counts of 1, 2, and 3 or more, from the numbers n₁ … n₄
of n-grams that have these counts::

    Y = n₁ / (n₁ + 2n₂),   D₁ = 1 − 2Y n₂/n₁,   D₂ = 2 − 3Y n₃/n₂,   D₃ = 3 − 4Y n₄/n₃

Unigrams back off to the uniform distribution over all possible targets: every symbol but ``<pad>`` and ``<bos>``.

Chen & Goodman 1999, An empirical study of smoothing techniques for language modeling, §3; Kneser & Ney 1995.
"""

from dataclasses import dataclass

import numpy as np

from tang.data.sequences import Sequences
from tang.data.vocabulary import BOS

BITS = np.uint64(16)  # Bits of each id in the code of an n-gram, one integer whose lowest bits are the last symbol
ONE, PAIR, TRIPLE = ((np.uint64(1) << size * BITS) - np.uint64(1) for size in (1, 2, 3))  # Masks of the last symbols
FALLBACK = np.array([0.5, 1.0, 1.5])  # Discounts for a corpus too small to estimate them (KenLM's: Heafield 2013)


@dataclass(frozen=True)
class Order:
    """The n-grams of one length, with their probabilities."""

    grams: np.ndarray  # Their codes, sorted
    shares: np.ndarray  # The discounted count of each ÷ the count of its context
    contexts: np.ndarray  # The codes of their contexts, sorted
    backoffs: np.ndarray  # γ of each context

    @classmethod
    def of(cls, grams: np.ndarray, counts: np.ndarray) -> "Order":
        """Estimate the probabilities from distinct codes, sorted, and their counts."""
        discount = discounts(counts)[np.minimum(counts, 3) - 1]
        contexts, begins, sizes = np.unique(grams >> BITS, return_index=True, return_counts=True)
        totals = np.add.reduceat(counts, begins)
        shares = (counts - discount) / np.repeat(totals, sizes)
        return cls(grams, shares, contexts, np.add.reduceat(discount, begins) / totals)

    def p(self, codes: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """(N,) p(w | h) of the n-grams ``codes`` (N,), given ``lower`` (N,), p(w | h')."""
        backoffs = _look_up(self.contexts, self.backoffs, codes >> BITS, default=1.0)
        p: np.ndarray = _look_up(self.grams, self.shares, codes, default=0.0) + backoffs * lower
        return p


@dataclass(frozen=True)
class Trigram:
    """Predicts a symbol from the two before it; the module's docstring has the formulas."""

    orders: tuple[Order, Order, Order]  # Unigrams, bigrams and trigrams
    num_targets: int  # Number of symbols that can be a target

    @classmethod
    def of(cls, sequences: Sequences, vocabulary_size: int) -> "Trigram":
        """Train on ``sequences``, each ``<bos>`` characters ``<eos>``."""
        assert vocabulary_size <= 1 << int(BITS), "an id doesn't fit into its bits"
        codes = _codes(sequences)
        is_first = codes >> BITS == BOS
        trigrams = np.unique(codes[~is_first], return_counts=True)
        bigrams = np.unique(np.append(trigrams[0] & PAIR, codes[is_first]), return_counts=True)
        unigrams = np.unique(bigrams[0] & ONE, return_counts=True)
        return cls((Order.of(*unigrams), Order.of(*bigrams), Order.of(*trigrams)), vocabulary_size - 2)

    def token_losses(self, sequences: Sequences) -> tuple[np.ndarray, np.ndarray]:
        """The ids (N,) of all tokens of ``sequences`` after their ``<bos>``, and −ln p (N,) of each, float64."""
        codes = _codes(sequences)
        p = np.full(len(codes), 1 / self.num_targets)
        for order, mask in zip(self.orders, (ONE, PAIR, TRIPLE), strict=True):
            p = order.p(codes & mask, p)
        return (codes & ONE).astype(np.int64), -np.log(p)


def discounts(counts: np.ndarray) -> np.ndarray:
    """(3,) D₁, D₂ and D₃ for n-grams with these counts."""
    n = np.bincount(np.minimum(counts, 5), minlength=6)[1:5]
    if not n.all():
        return FALLBACK
    steps = np.arange(1, 4)
    found = steps - (steps + 1) * n[0] / (n[0] + 2 * n[1]) * n[1:] / n[:-1]
    return found if ((found > 0) & (found < steps)).all() else FALLBACK


def _codes(sequences: Sequences) -> np.ndarray:
    """(N,) the trigram that ends in each target; a sequence's first has 0 before its ``<bos>``."""
    tokens = sequences.tokens[sequences.offsets[0] : sequences.offsets[-1]].astype(np.uint64)
    begins = sequences.offsets[:-1] - sequences.offsets[0]
    codes: np.ndarray = tokens.copy()
    codes[1:] |= tokens[:-1] << BITS
    codes[2:] |= tokens[:-2] << BITS * np.uint64(2)
    codes[begins + 1] &= PAIR
    return np.delete(codes, begins)


def _look_up(keys: np.ndarray, values: np.ndarray, codes: np.ndarray, default: float) -> np.ndarray:
    """(N,) the value of each of ``codes`` (N,) among the sorted ``keys``; ``default`` for a code that isn't there."""
    places = np.minimum(np.searchsorted(keys, codes), len(keys) - 1)
    return np.where(keys[places] == codes, values[places], default)
