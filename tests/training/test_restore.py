"""What Lightning restores of a checkpoint is first held against what the run would save itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping

from tang.data.batches import PoemLoader
from tang.errors import InputError
from tang.training.restore import Restoring
from tests.data.test_batches import sequences
from tests.hostile.makers import trainable

STOPPING = "EarlyStopping{'monitor': 'val/loss', 'mode': 'min'}"
PROGRESS = ("loops", "fit_loop", "epoch_progress")


def trainer(epochs: int) -> pl.Trainer:
    trainer = pl.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False,
        enable_model_summary=False, callbacks=[EarlyStopping("val/loss", patience=9)],
    )  # fmt: skip
    trainer._checkpoint_connector = Restoring(trainer)
    return trainer


@pytest.fixture
def resume(tmp_path: Path) -> Callable[..., int]:
    """Trains for an epoch, changes what ``keys`` lead to in the checkpoint, trains for another one → steps."""

    def run(*keys: Any, to: Any) -> int:
        loader = PoemLoader(sequences([5, 5]), 2)
        first = trainer(1)
        first.fit(trainable(), loader, loader)
        first.save_checkpoint(tmp_path / "last.ckpt", weights_only=False)
        content = inner = torch.load(tmp_path / "last.ckpt", weights_only=True)
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = to
        torch.save(content, tmp_path / "last.ckpt")
        second = trainer(2)
        second.fit(trainable(), loader, loader, ckpt_path=tmp_path / "last.ckpt", weights_only=True)
        return second.global_step

    return run


def test_what_lightning_saved_is_restored(resume: Callable[..., int]) -> None:
    assert resume("epoch", to=1) == 2


@pytest.mark.parametrize(
    ("keys", "to", "message"),
    [
        (("loops",), {}, r"loops\.fit_loop isn't what this run has there; it can't be gone on from"),
        (("loops",), {"fit_loop": {}}, r"loops\.fit_loop isn't what"),
        (PROGRESS, {"current": 7}, r"fit_loop\.epoch_progress isn't what"),
        ((*PROGRESS, "current", "ready"), "1", r"epoch_progress\.current\.ready isn't what"),
        ((*PROGRESS, "current", "completed"), 7, r"can't be gone on from \(MisconfigurationException: .*epoch=7"),
        (("loops", "fit_loop", "state_dict", "combined_loader"), [7], r"combined_loader\.0 isn't what"),
        (("callbacks", STOPPING), {"x": 1}, r"callbacks\.EarlyStopping.* isn't what"),
        (("callbacks", STOPPING, "best_score"), torch.ones(3), r"best_score isn't what"),
        (("callbacks", STOPPING, "wait_count"), None, r"wait_count isn't what"),
    ],
)
def test_what_a_run_would_not_have_saved_is_refused_in_one_line(
    keys: tuple[str, ...], to: Any, message: str, resume: Callable[..., int]
) -> None:
    with pytest.raises(InputError, match=rf"last\.ckpt: .*{message}"):
        resume(*keys, to=to)
