from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tang.config.data import PoemsConfig
from tang.data import gather
from tang.data.batches import Batch, PoemLoader
from tang.data.gather import PaddedGather, Shard, fits
from tang.data.poems import PoemDataModule
from tang.data.prepare import Sequences
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
