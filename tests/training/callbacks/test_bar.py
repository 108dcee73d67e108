from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tang.data.batches import PoemLoader
from tang.data.vocabulary import SPECIALS
from tang.tasks.language_model import LanguageModel
from tang.training.callbacks.progress import Progress, ProgressBar
from tests.data.test_batches import sequences


class Reads(TorchDispatchMode):
    """Counts the numbers that the host reads from tensors; on a GPU it would wait for each."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


class At(pl.Callback):
    """Notes the count at the start and at the end of each batch."""

    def __init__(self, reads: Reads) -> None:
        self.reads = reads
        self.counts: list[int] = []

    def on_train_batch_start(self, *_: Any) -> None:
        self.counts.append(self.reads.count)

    def on_train_batch_end(self, *_: Any) -> None:
        self.counts.append(self.reads.count)


@pytest.mark.parametrize(("every", "reads_in"), [(4, {4, 8}), (100, set())])
def test_a_step_reads_one_number_from_the_device_unless_it_is_logged(every: int, reads_in: set[int]) -> None:
    torch.manual_seed(0)
    symbols = [*SPECIALS, *(chr(0x4E00 + i) for i in range(36))]
    model = LanguageModel({"hidden_size": 8, "dropout": 0}, symbols, {}, optimizer=lambda p: torch.optim.SGD(p, 0.1))
    reads = Reads()
    at = At(reads)
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=1,
        gradient_clip_val=1.0,
        log_every_n_steps=every,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        limit_val_batches=0,
        callbacks=[Progress(), ProgressBar(), at],
    )
    loader = PoemLoader(sequences([5] * 20), 2)
    with reads:
        trainer.fit(model, loader, loader)
    per_step = [after - before for before, after in zip(at.counts[::2], at.counts[1::2], strict=True)]
    assert min(per_step) == 1, "is it finite?"
    steps = {step for step, count in enumerate(per_step, start=1) if count > 1}
    assert len(at.counts) == 20
    assert steps == reads_in
    assert reads.count > 0, "the epoch's end is read"
