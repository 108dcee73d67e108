from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tang.config.data import PoemsConfig
from tang.data import gather
from tang.data.batches import Batch, PoemLoader, half_titled
from tang.data.gather import PaddedGather, Shard, TitledGather, fits
from tang.data.poems import PoemDataModule
from tang.data.sequences import Sequences
from tang.data.vocabulary import PAD
from tests.data.test_batches import corpus_lengths, sequences

CPU = torch.device("cpu")
VALUELESS = torch.device("meta")
"""Its tensors have shapes and no values: who asks one for a value, as it would a GPU, gets an error."""


def simply(split: Sequences, indices: list[int]) -> list[list[int]]:
    """Sequences side by side, by definition."""
    width = max(len(split[index]) for index in indices)
    return [split[index].tolist() + [PAD] * (width - len(split[index])) for index in indices]


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_a_batch_holds_its_sequences_and_padding(batch_size: int) -> None:
    poems = sequences(corpus_lengths(200).tolist())
    loader = PoemLoader(poems, batch_size, seed=1)
    loader.set_epoch(1)
    for indices, batch in zip(loader.batcher.batches(1), loader, strict=True):
        ids = torch.tensor(simply(poems, indices.tolist()))
        assert torch.equal(batch.inputs, ids[:, :-1])
        assert torch.equal(batch.targets, ids[:, 1:])
        assert batch.num_tokens == (batch.targets != PAD).sum()
        assert (batch.inputs.is_contiguous(), batch.targets.is_contiguous()) == (True, True)


def test_a_split_is_read_from_the_middle_of_all_tokens() -> None:
    poems = sequences([5, 2, 4, 9])
    split = Sequences(poems.tokens, poems.offsets[1:4])
    assert PaddedGather(split, CPU)(np.array([1, 0])).tolist() == simply(poems, [2, 1])
    assert len(PaddedGather(split, CPU).tokens) == 3 + 5


def test_a_batch_is_made_without_asking_the_device() -> None:
    poems = sequences(corpus_lengths(200).tolist())
    here, there = PoemLoader(poems, 16, seed=1), PoemLoader(poems, 16, 1, Shard(VALUELESS))
    for expected, batch in zip(here, there, strict=True):
        assert batch.inputs.device == batch.targets.device == VALUELESS
        assert batch.inputs.shape == expected.inputs.shape
        assert batch.num_tokens == expected.num_tokens


def test_tokens_that_do_not_fit_stay_with_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    poems = sequences([5, 2, 4])
    assert PaddedGather(poems, VALUELESS).tokens.device == VALUELESS
    monkeypatch.setattr(gather, "fits", lambda size, device: False)
    large = PaddedGather(poems, VALUELESS)
    assert large.tokens.device == CPU
    assert large(np.array([0, 1])).device == VALUELESS


def test_a_small_share_of_a_gpu_is_enough_for_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (10_000, 20_000))
    gpu = torch.device("cuda", 0)
    assert [fits(size, gpu) for size in (1_000, 1_001)] == [True, False]
    assert fits(1_001, CPU)


def test_poems_go_where_the_trainer_computes(poems_txt: Path, tmp_path: Path) -> None:
    data = PoemDataModule(PoemsConfig(source="text", path=str(poems_txt), cache=str(tmp_path / "cache")))
    assert next(iter(data.loader("val"))).inputs.device == CPU
    data.trainer = SimpleNamespace(strategy=SimpleNamespace(root_device=VALUELESS), global_rank=0, world_size=1)  # type: ignore[assignment]
    assert next(iter(data.loader("val"))).inputs.device == VALUELESS


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype feature")
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("is_resident", [True, False])
def test_a_gpu_gets_the_same_batches_and_is_never_waited_for(
    is_resident: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather, "fits", lambda size, device: is_resident)
    poems = sequences(corpus_lengths(200).tolist())
    loader = PoemLoader(poems, 16, 1, Shard(torch.device("cuda", 0)))
    torch.cuda.set_sync_debug_mode("error")
    try:
        batches: list[Batch] = list(loader)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    for expected, batch in zip(PoemLoader(poems, 16, seed=1), batches, strict=True):
        assert batch.inputs.is_cuda
        assert torch.equal(batch.inputs.cpu(), expected.inputs)
        assert torch.equal(batch.targets.cpu(), expected.targets)


def test_a_poem_may_follow_its_title() -> None:
    poems = sequences([5, 2, 4])
    titles = Sequences(np.array([50, 51, 52, 53, 54, 55]), np.array([0, 3, 3, 6]))
    poems = Sequences(poems.tokens, poems.offsets, titles)
    found = TitledGather(poems, CPU)(np.array([2, 1, 0]), np.array([True, True, False]))
    assert found.tolist() == [
        [53, 54, 55, *poems[2].tolist()],
        [*poems[1].tolist(), *[PAD] * 5],
        [*poems[0].tolist(), *[PAD] * 2],
    ]
    batch = Batch.of(found, 11)
    assert batch.inputs[0].tolist() == [53, 54, 55, *poems[2].tolist()[:-1]]
    assert batch.targets[0].tolist() == [PAD, PAD, PAD, *poems[2].tolist()[1:]], "a title isn't predicted"
    assert batch.targets[2, :5].tolist() == poems[0].tolist()[1:]


@pytest.mark.parametrize("is_meta", [True, False])
def test_half_of_the_poems_follow_their_titles_in_turn(is_meta: bool) -> None:
    poems = sequences(corpus_lengths(300).tolist())
    sizes = np.random.default_rng(0).integers(0, 5, 300)
    titles = Sequences(np.full(sizes.sum(), 7), np.cumsum([0, *sizes]))
    poems = Sequences(poems.tokens, poems.offsets, titles)
    titled = half_titled(300, seed=1)
    loader = PoemLoader(poems, 16, 1, Shard(VALUELESS if is_meta else CPU), titled)
    read = []
    for epoch in range(2):
        loader.set_epoch(epoch)
        count = 0
        for indices, batch in zip(loader.batcher.batches(epoch), loader, strict=True):
            length = poems.lengths[indices] + titled[epoch][indices] * sizes[indices]
            assert batch.inputs.shape == (len(indices), length.max())
            assert batch.num_tokens == poems.lengths[indices].sum()
            count += len(indices)
            if not is_meta:
                read += batch.inputs[batch.inputs == 7].tolist()
                assert (batch.targets != PAD).sum() == batch.num_tokens
        assert count == 300
    assert is_meta or len(read) == sizes.sum(), "each title comes once in two epochs"
    assert 0.4 < titled[0].mean() < 0.6
