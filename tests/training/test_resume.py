"""A run that is stopped and resumed is bit for bit the run that was never stopped."""

import itertools
import json
import math
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
import torch
from filelock import FileLock
from torch import Tensor

from tang.config.train import TrainConfig
from tang.data.batches import Batch
from tang.errors import InputError
from tang.runs.run import RunFolder
from tang.tasks.language_model import LanguageModel
from tang.training import run as training
from tang.training.callbacks.checkpoints import Checkpoints
from tang.training.callbacks.progress import Progress
from tests.resuming import curves, differences, state
from tests.test_config import settings

pytestmark = pytest.mark.slow

RUNS = {
    "a schedule by steps": [],
    "a schedule by validations": ["scheduler=plateau", "optimizer=adagrad"],
    "validations within epochs": ["trainer.val_check_interval=0.4", "scheduler=plateau"],
    "validations over epochs": ["trainer.check_val_every_n_epoch=null", "trainer.val_check_interval=4"],
    "a validation every second epoch": ["trainer.check_val_every_n_epoch=2", "optimizer=momentum"],
    "gradients of three batches": ["trainer.accumulate_grad_batches=3", "optimizer=rmsprop"],
    "an end within an epoch": ["trainer.max_steps=11"],
    "few batches an epoch": ["trainer.limit_train_batches=3"],
    "an early end": ["callbacks.early_stopping.patience=0", "optimizer.lr=1", "optimizer=sgd"],
    "Muon beside AdamW": ["optimizer=muon", "model.embedding_size=4", "trainer.precision=bf16-mixed"],
    "an average of the weights": [
        "callbacks.ema_decay=0.8",
        "trainer.val_check_interval=0.4",
        "model.unigram_bias=true",
    ],
    "bfloat16 by hand": ["model.backend=bptt", "trainer.precision=bf16-mixed", "model.num_layers=2"],
}


@pytest.fixture
def config(poems_txt: Path) -> Callable[..., TrainConfig]:
    def of(*overrides: str) -> TrainConfig:
        small = ["model.hidden_size=8", "trainer.max_epochs=3", "data.max_train=150", "trainer.accelerator=cpu"]
        corpus = ["data=text", f"data.path='{poems_txt}'", f"data.cache='{poems_txt.parent / 'cache'}'"]
        return settings(*corpus, *small, "trainer.log_every_n_steps=1", *overrides)

    return of


@pytest.fixture
def stops(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts down at every batch, training's and validation's; at 0 the run is asked to stop."""
    left = [0]

    def counted(method: Callable[..., None]) -> Callable[..., None]:
        def call(self: Checkpoints, *args: Any, **kwargs: Any) -> None:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGTERM)
            method(self, *args, **kwargs)

        return call

    for name in ("between_batches", "on_validation_batch_end"):
        monkeypatch.setattr(Checkpoints, name, counted(getattr(Checkpoints, name)))
    return left


@pytest.mark.parametrize("overrides", RUNS.values(), ids=RUNS.keys())
def test_a_run_stopped_again_and_again_is_the_one_never_stopped(
    overrides: list[str], config: Callable[..., TrainConfig], stops: list[int], tmp_path: Path
) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    (tmp_path / "whole").mkdir()
    (tmp_path / "stopped").mkdir()
    wanted = config(*overrides)
    reference = training.train(wanted, RunFolder(whole), is_sweep=True)
    codes = []
    for batches in itertools.cycle([1, 12, 3]):  # 12: more than a validation has, which begins anew
        stops[0] = batches
        try:
            result = training.train(wanted, RunFolder(stopped), is_sweep=True)
            break
        except SystemExit as end:
            codes.append(end.code)
    assert len(codes) >= 4
    assert set(codes) == {143}
    for field in ("val_loss", "metrics", "epochs", "steps", "ended_by"):
        assert getattr(result, field) == getattr(reference, field), field
    assert result.ended_by
    assert differences(curves(whole), curves(stopped)) == []
    assert differences(state(whole), state(stopped)) == []


def test_a_run_that_was_killed_goes_on_from_its_last_checkpoint(
    config: Callable[..., TrainConfig], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Points logged after the checkpoint are cut off: the curve has no fold."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    training.train(config(), RunFolder(whole), is_sweep=True)

    def die(self: Any, trainer: Any, *args: Any) -> None:
        if trainer.current_epoch == 1 and trainer.fit_loop.epoch_loop.batch_idx == 1:
            trainer.logger.experiment.flush()
            raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("tang.training.callbacks.progress.Progress.on_train_batch_end", die)
        with pytest.raises(RuntimeError, match="killed"):
            training.train(config(), RunFolder(killed), is_sweep=True)
    assert len(curves(killed)["train/loss"]) > torch.load(RunFolder(killed).last)["global_step"]
    training.train(config(), RunFolder(killed), is_sweep=True)
    assert differences(curves(whole), curves(killed)) == []
    assert differences(state(whole), state(killed)) == []


def test_more_epochs_go_on_where_the_run_ended(config: Callable[..., TrainConfig], tmp_path: Path) -> None:
    constant = ["scheduler=none", "callbacks.early_stopping.patience=null"]
    for name, ends in (("whole", [3]), ("longer", [1, 2, 3])):
        (tmp_path / name).mkdir()
        for epochs in ends:
            training.train(config(*constant, f"trainer.max_epochs={epochs}"), RunFolder(tmp_path / name), is_sweep=True)
    assert differences(curves(tmp_path / "whole"), curves(tmp_path / "longer")) == []
    assert differences(state(tmp_path / "whole"), state(tmp_path / "longer")) == []
    assert json.loads((tmp_path / "longer" / "result.json").read_text(encoding="utf-8"))["epochs"] == 3


def test_a_run_that_goes_on_lets_its_last_checkpoint_go(
    config: Callable[..., TrainConfig], stops: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file in memory keeps its place on the disk when it is replaced."""
    stops[0] = 1
    with pytest.raises(SystemExit):
        training.train(config(), RunFolder(tmp_path), is_sweep=True)
    maps = []
    monkeypatch.setattr(Progress, "on_train_start", lambda *_: maps.append(Path("/proc/self/maps").read_text("utf-8")))
    stops[0] = 1
    with pytest.raises(SystemExit):
        training.train(config(), RunFolder(tmp_path), is_sweep=True)
    assert len(maps) == 1
    assert str(tmp_path / "checkpoints") not in maps[0]


def test_a_run_whose_checkpoints_could_not_be_read_is_refused_before_it_trains(
    config: Callable[..., TrainConfig], poems_txt: Path
) -> None:
    path = poems_txt.rename(poems_txt.with_name("唐\u200d诗.txt"))
    with pytest.raises(InputError, match=r"data\.path is .*steer a terminal; its checkpoints couldn't be read again"):
        training.set_up(config(f"data.path='{path}'"), None)


def test_two_processes_do_not_train_the_same_run(config: Callable[..., TrainConfig], tmp_path: Path) -> None:
    with (
        training.sole_owner(RunFolder(tmp_path)),
        pytest.raises(InputError, match="another process is training this run"),
    ):
        training.train(config(), RunFolder(tmp_path), is_sweep=False)


def test_a_job_of_a_sweep_waits_for_its_last_process_to_end(config: Callable[..., TrainConfig], tmp_path: Path) -> None:
    ending = FileLock(RunFolder(tmp_path).lock, thread_local=False)
    ending.acquire()
    Timer(0.5, ending.release).start()
    training.train(config(), RunFolder(tmp_path), is_sweep=True)
    assert RunFolder(tmp_path).is_finished


@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_ends_the_run_before_the_step(
    factor: float, config: Callable[..., TrainConfig], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    loss = LanguageModel.loss

    def spoilt(self: LanguageModel, batch: Batch) -> tuple[Tensor, Tensor]:
        is_third = self.current_epoch == 1 and self.trainer.fit_loop.epoch_loop.batch_idx == 2
        of_batch, penalty = loss(self, batch)
        return of_batch * (factor if is_third else 1), penalty

    monkeypatch.setattr(LanguageModel, "loss", spoilt)
    with pytest.raises(InputError) as error:
        training.train(config(), RunFolder(tmp_path), is_sweep=True)
    assert re.match(rf"train/loss is {factor} .* at batch 3 of epoch 2; the step was not applied", str(error.value))
    kept = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)
    assert kept["loops"]["fit_loop"]["epoch_progress"]["current"]["ready"] == 1
    assert all(tensor.isfinite().all() for tensor in kept["state_dict"].values())


def test_a_rate_far_too_high_leaves_no_broken_checkpoint(config: Callable[..., TrainConfig], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"training diverged: a lower optimizer\.lr"):
        training.train(
            config("optimizer=sgd", "optimizer.lr=1e38", "trainer.gradient_clip_val=null"), RunFolder(tmp_path), True
        )
    assert not list(tmp_path.glob("checkpoints/*"))
