"""A checkpoint whose states Lightning or PyTorch can't restore ends the run in one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping

from tang.data.batches import PoemLoader
from tang.errors import InputError
from tang.runs.run import RunFolder
from tang.shutdown import Stop
from tang.training.callbacks.checkpoints import Checkpoints
from tang.training.resume import restoring
from tests.data.test_batches import sequences
from tests.hostile.makers import trainable

STOPPING = "EarlyStopping{'monitor': 'val/loss', 'mode': 'min'}"
LOOP = ("loops", "fit_loop")
RUN = ("run", "random", 0)


def fit(folder: RunFolder, epochs: int, last: Path | None) -> pl.Trainer:
    checkpoints = Checkpoints(folder, minutes=10, stop=Stop())
    trainer = pl.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=True,
        enable_model_summary=False, callbacks=[EarlyStopping("val/loss", patience=9), checkpoints],
    )  # fmt: skip
    loader = PoemLoader(sequences([5, 5]), 2)
    with restoring(last, checkpoints):
        trainer.fit(trainable(), loader, loader, ckpt_path=last, weights_only=True)
    return trainer


@pytest.fixture
def resume(tmp_path: Path) -> Callable[..., int]:
    """Train for an epoch, replace the value at ``keys`` of the checkpoint, resume for another epoch → steps."""

    def run(*keys: Any, to: Any) -> int:
        folder = RunFolder(tmp_path)
        last = folder.last
        fit(folder, 1, None).save_checkpoint(last, weights_only=False)
        content = inner = torch.load(last, weights_only=True)
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = to
        torch.save(content, last)
        return fit(folder, 2, last).global_step

    return run


def test_what_lightning_saved_is_restored(resume: Callable[..., int]) -> None:
    assert resume("epoch", to=1) == 2


@pytest.mark.parametrize(
    ("keys", "to", "reason"),
    [
        (("loops",), {}, "KeyError: 'fit_loop'"),
        ((*LOOP, "epoch_progress"), {"current": 7}, "KeyError"),
        ((*LOOP, "epoch_progress", "current", "completed"), 7, "MisconfigurationException: .*epoch=7"),
        (("callbacks", STOPPING), {"x": 1}, "KeyError"),
        (("optimizer_states",), [{}], "KeyError"),
        (("optimizer_states", 0, "param_groups"), [{"params": [0], "lr": 0.1}], "ValueError: .*parameter group"),
        (("run",), {}, "KeyError"),
        (("run", "means"), {}, "KeyError: 'train_loss'"),
        (("run", "means"), {"train_loss": ["a", "b", "c"]}, "TypeError|RuntimeError"),
        ((*RUN, "torch"), torch.zeros(7, dtype=torch.uint8), "RuntimeError|TypeError"),
        ((*RUN, "python"), [3, [1, 2], None], "ValueError"),
    ],
)
def test_states_that_cannot_be_restored_are_refused_in_one_line(
    keys: tuple[str, ...], to: Any, reason: str, resume: Callable[..., int]
) -> None:
    with pytest.raises(InputError, match=rf"last\.ckpt: its states can't be restored \({reason}.*\); ") as error:
        resume(*keys, to=to)
    assert str(error.value).isprintable()


def test_an_error_in_training_keeps_its_traceback(tmp_path: Path) -> None:
    checkpoints = Checkpoints(RunFolder(tmp_path), minutes=10, stop=Stop())
    checkpoints.has_begun = True
    with pytest.raises(KeyError), restoring(tmp_path / "last.ckpt", checkpoints):
        raise KeyError("ours")


def test_an_error_of_a_new_run_keeps_its_traceback(tmp_path: Path) -> None:
    with pytest.raises(KeyError), restoring(None, Checkpoints(RunFolder(tmp_path), minutes=10, stop=Stop())):
        raise KeyError("ours")
