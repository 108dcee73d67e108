"""Stopping in the middle of an epoch and going on, through Lightning itself."""

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from tang.data.batches import Batch, PoemLoader
from tang.data.vocabulary import SPECIALS
from tang.tasks.language_model import LanguageModel
from tests.data.test_batches import sequences

LENGTHS = [3 + number % 11 for number in range(60)]


class Recorder(pl.Callback):
    """Notes the poems of each batch, and saves a checkpoint after each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.batches: list[list[int]] = []

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Batch, batch_idx: int) -> None:
        self.batches.append(batch.inputs[:, 1].tolist())

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any) -> None:
        trainer.save_checkpoint(self.folder / f"{trainer.global_step}.ckpt")

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        trainer.save_checkpoint(self.folder / f"epoch{trainer.current_epoch}.ckpt")


def trained(folder: Path, max_steps: int, ckpt_path: Path | None = None) -> tuple[Recorder, LanguageModel]:
    """Train up to ``max_steps``."""
    torch.manual_seed(0)
    symbols = [*SPECIALS, *(chr(0x4E00 + i) for i in range(80))]
    model = LanguageModel({"hidden_size": 8}, symbols, {}, optimizer=torch.optim.Adam)
    recorder = Recorder(folder)
    trainer = pl.Trainer(
        max_steps=max_steps, accelerator="cpu", logger=False, callbacks=[recorder], enable_progress_bar=False,
        enable_checkpointing=False, enable_model_summary=False, default_root_dir=folder,
    )  # fmt: skip
    val = PoemLoader(sequences([5, 5]), 2)
    trainer.fit(model, PoemLoader(sequences(LENGTHS), 8, seed=1), val, ckpt_path=ckpt_path, weights_only=True)
    return recorder, model


def test_a_run_stopped_in_an_epoch_goes_on_with_the_poem_that_came_next(tmp_path: Path) -> None:
    per_epoch = len(PoemLoader(sequences(LENGTHS), 8, seed=1))
    total, stop = 3 * per_epoch, per_epoch + 3
    whole, whole_model = trained(tmp_path, total)
    resumed, resumed_model = trained(tmp_path / "resumed", total, tmp_path / f"{stop}.ckpt")
    assert resumed.batches == whole.batches[stop:]
    epochs = [whole.batches[start : start + per_epoch] for start in range(0, total, per_epoch)]
    assert epochs[0] != epochs[1] != epochs[2]
    for name, tensor in whole_model.state_dict().items():
        assert torch.equal(tensor, resumed_model.state_dict()[name]), name


def test_a_run_stopped_between_epochs_goes_on_with_the_next_order(tmp_path: Path) -> None:
    per_epoch = len(PoemLoader(sequences(LENGTHS), 8, seed=1))
    whole, _ = trained(tmp_path, 2 * per_epoch)
    resumed, _ = trained(tmp_path / "resumed", 2 * per_epoch, tmp_path / "epoch0.ckpt")
    assert resumed.batches == whole.batches[per_epoch:]
