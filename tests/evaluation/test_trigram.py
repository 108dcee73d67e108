import math
import random
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pytest

from tang.data.sequences import Sequences
from tang.data.vocabulary import BOS, EOS, PAD, UNK
from tang.evaluation.trigram import FALLBACK, Trigram, discounts

SIZE = 60


def sequences(rows: Sequence[Sequence[int]]) -> Sequences:
    return Sequences(np.concatenate(rows).astype(np.int32), np.cumsum([0, *map(len, rows)]))


def rows(seed: int, count: int) -> list[list[int]]:
    """Random sequences; a few symbols are frequent, and each narrows the choice of the next. Some are cut off."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        row = [BOS]
        for _ in range(rng.randrange(1, 30)):
            row.append(4 + (row[-1] * 3 + int(rng.expovariate(0.2))) % (SIZE - 14))
        made.append([*row, EOS] if rng.random() < 0.8 else row)
    made[0][2] = UNK
    return made


def slow_nll(training: Sequence[Sequence[int]], row: Sequence[int]) -> list[float]:
    """The formulas, computed with dictionaries."""
    counts: list[Counter[tuple[int, ...]]] = [Counter(), Counter(), Counter()]
    before: defaultdict[tuple[int, ...], set[int]] = defaultdict(set)
    for sequence in training:
        for end in range(1, len(sequence)):
            for size in (1, 2, 3):
                if end - size + 1 >= 0:
                    gram = tuple(sequence[end - size + 1 : end + 1])
                    counts[size - 1][gram] += 1
                    if end - size >= 0:
                        before[gram].add(sequence[end - size])
    adjusted = [
        {gram: count if len(gram) == 3 or gram[0] == BOS else len(before[gram]) for gram, count in of_size.items()}
        for of_size in counts
    ]

    def discount(size: int, count: int) -> float:
        n = [0, *(sum(value == times for value in adjusted[size - 1].values()) for times in (1, 2, 3, 4))]
        times = min(count, 3)
        if 0 in n[1:]:
            return float(FALLBACK[times - 1])  # there are few unigrams here
        y = n[1] / (n[1] + 2 * n[2])
        return times - (times + 1) * y * n[times + 1] / n[times]

    def p(gram: tuple[int, ...]) -> float:
        context, table = gram[:-1], adjusted[len(gram) - 1]
        lower = p(gram[1:]) if context else 1 / (SIZE - 2)
        followers = [count for other, count in table.items() if other[:-1] == context]
        if not followers:
            return lower
        gamma = sum(discount(len(gram), count) for count in followers) / sum(followers)
        own = table.get(gram, 0)
        return (own - discount(len(gram), own) if own else 0) / sum(followers) + gamma * lower

    return [-math.log(p(tuple(row[max(end - 2, 0) : end + 1]))) for end in range(1, len(row))]


TRAINING = rows(0, 300)


@pytest.fixture(scope="module")
def model() -> Trigram:
    return Trigram.of(sequences(TRAINING), SIZE)


def test_it_agrees_with_dictionaries(model: Trigram) -> None:
    others = rows(1, 3)
    expected = [nll for row in others for nll in slow_nll(TRAINING, row)]
    np.testing.assert_allclose(model.token_losses(sequences(others))[1], expected, rtol=1e-12)


@pytest.mark.parametrize(
    "context", [[], TRAINING[1][1:3], [TRAINING[1][1], SIZE - 1], [SIZE - 1, TRAINING[1][1]], [55, 56]]
)
def test_the_probabilities_after_any_context_sum_to_1(model: Trigram, context: list[int]) -> None:
    words = [word for word in range(SIZE) if word not in (PAD, BOS)]
    _, nll = model.token_losses(sequences([[BOS, *context, word] for word in words]))
    nll = nll.reshape(len(words), -1)[:, -1]
    assert np.exp(-nll).sum() == pytest.approx(1, abs=1e-12)
    assert np.isfinite(nll).all()


def test_a_split_that_begins_elsewhere_in_the_tokens_counts_the_same(model: Trigram) -> None:
    everything = sequences([*TRAINING, *rows(1, 3)])
    part = Sequences(everything.tokens, everything.offsets[len(TRAINING) :])
    np.testing.assert_array_equal(model.token_losses(part)[1], model.token_losses(sequences(rows(1, 3)))[1])


def test_discounts_are_estimated_where_they_can_be() -> None:
    counts = np.repeat([1, 2, 3, 4, 9], [40, 20, 10, 5, 7])
    y = 40 / (40 + 2 * 20)
    np.testing.assert_allclose(discounts(counts), [1 - 2 * y * 0.5, 2 - 3 * y * 0.5, 3 - 4 * y * 0.5])
    assert discounts(np.array([1, 1, 2, 2])) is FALLBACK
