from itertools import islice, pairwise

import numpy as np
import pytest
import torch

from tang.data.batches import FULL_LENGTH, Batch, PoemLoader, balanced_draws, length_buckets
from tang.data.sequences import Sequences
from tang.data.vocabulary import BOS, EOS, PAD


def sequences(lengths: list[int]) -> Sequences:
    """Sequences of so many predictions; the tokens of each are its number + 10."""
    rows = [[BOS, *[number + 10] * (length - 1), EOS] for number, length in enumerate(lengths)]
    return Sequences(np.concatenate(rows).astype(np.int32), np.cumsum([0, *map(len, rows)]))


def corpus_lengths(count: int = 5000) -> np.ndarray:
    """Lengths distributed like the 全唐诗's: mostly regular forms, a long tail."""
    random = np.random.default_rng(0)
    regular = random.choice([25, 33, 49, 65, 73, 97], count * 9 // 10)
    return np.concatenate([regular, random.lognormal(4.5, 0.8, count // 10).astype(int).clip(6, 3000)])


def test_targets_are_the_inputs_one_step_on() -> None:
    batch = Batch.of(torch.tensor([[BOS, 7, 8, EOS], [BOS, 9, EOS, PAD]], dtype=torch.int32), 5)
    assert batch.inputs.tolist() == [[BOS, 7, 8], [BOS, 9, EOS]]
    assert batch.targets.tolist() == [[7, 8, EOS], [9, EOS, PAD]]
    assert batch.inputs.dtype == batch.targets.dtype == torch.int64


@pytest.mark.parametrize("batch_size", [2, 64, 1000])
@pytest.mark.parametrize("lengths", [corpus_lengths(), corpus_lengths(50), np.arange(1, 200), np.array([5] * 90 + [6])])
def test_at_most_two_percent_are_padding(lengths: np.ndarray, batch_size: int) -> None:
    batches = length_buckets(lengths, batch_size, seed=1).batches(0)
    positions = sum(len(batch) * lengths[batch].max() for batch in batches)
    assert positions - lengths.sum() <= 0.02 * positions


def test_batches_of_the_corpus_are_nearly_all_full() -> None:
    assert len(length_buckets(corpus_lengths(), 64, seed=1)) < 1.3 * 5000 / 64


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_an_epoch_has_every_poem_once_in_bounded_batches(batch_size: int) -> None:
    lengths = corpus_lengths(500)
    buckets = length_buckets(lengths, batch_size, seed=1)
    batches = buckets.batches(0)
    assert sorted(np.concatenate(batches).tolist()) == list(range(500))
    assert len(batches) == len(buckets)
    for batch in batches:
        assert len(batch) <= batch_size
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= batch_size * FULL_LENGTH


def test_every_epoch_has_another_order_and_a_seed_repeats_it() -> None:
    buckets = length_buckets(corpus_lengths(500), 32, seed=1)
    first = [batch.tolist() for batch in buckets.batches(0)]
    assert first == [batch.tolist() for batch in length_buckets(corpus_lengths(500), 32, seed=1).batches(0)]
    assert first != [batch.tolist() for batch in length_buckets(corpus_lengths(500), 32, seed=2).batches(0)]
    second = [batch.tolist() for batch in buckets.batches(1)]
    assert first != second
    assert {tuple(sorted(batch)) for batch in first} != {tuple(sorted(batch)) for batch in second}


CLASSES = np.repeat([3, 1, 7], [900, 90, 10])


def test_balanced_draws_find_every_class_equally_often() -> None:
    draws = balanced_draws(CLASSES, corpus_lengths(1000), 64, seed=1)
    drawn = np.concatenate([np.concatenate(draws.batches(epoch)) for epoch in range(3)])
    assert len(drawn) == 3000
    for number in (1, 3, 7):
        assert np.mean(CLASSES[drawn] == number) == pytest.approx(1 / 3, abs=0.04)
    assert len(set(drawn[CLASSES[drawn] == 7].tolist())) == 10, "each of a class has its chance"


def test_balanced_draws_come_in_equally_many_batches_of_nearly_one_length() -> None:
    lengths = corpus_lengths(1000)
    draws = balanced_draws(CLASSES, lengths, 64, seed=1)
    for epoch in range(5):
        batches = draws.batches(epoch)
        assert len(batches) == len(draws)
        assert sorted(map(len, batches)) == [1000 % 64, *[64] * (1000 // 64)]
        bounds = sorted((lengths[batch].min(), lengths[batch].max()) for batch in batches)
        assert all(longest <= shortest for (_, longest), (shortest, _) in pairwise(bounds))


def test_balanced_draws_are_new_every_epoch_and_a_seed_repeats_them() -> None:
    def drawn(seed: int, epoch: int) -> list[list[int]]:
        return [batch.tolist() for batch in balanced_draws(CLASSES, corpus_lengths(1000), 64, seed).batches(epoch)]

    assert drawn(1, 0) == drawn(1, 0)
    assert drawn(1, 0) != drawn(1, 1)
    assert drawn(1, 0) != drawn(2, 0)


def test_a_loader_goes_on_with_the_poem_that_came_next() -> None:
    poems = sequences(corpus_lengths(300).tolist())
    whole = PoemLoader(poems, 16, seed=1)
    whole.set_epoch(2)
    everything = [batch.inputs for batch in whole]

    stopped = PoemLoader(poems, 16, seed=1)
    stopped.set_epoch(2)
    before = [batch.inputs for batch in islice(stopped, 5)]
    resumed = PoemLoader(poems, 16, seed=1)
    resumed.load_state_dict(stopped.state_dict())
    after = [batch.inputs for batch in resumed]

    assert len(before) + len(after) == len(everything)
    assert all(torch.equal(a, b) for a, b in zip(before + after, everything, strict=True))
    resumed.set_epoch(3)
    assert len(list(resumed)) == len(resumed), "the next epoch is whole again"


def test_the_state_of_a_finished_epoch_does_not_shorten_the_next() -> None:
    loader = PoemLoader(sequences([5] * 40), 16, seed=1)
    list(loader)
    resumed = PoemLoader(sequences([5] * 40), 16, seed=1)
    resumed.load_state_dict(loader.state_dict())
    resumed.set_epoch(1)
    assert len(list(resumed)) == len(resumed)
