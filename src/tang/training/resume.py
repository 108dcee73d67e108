"""What a run goes on with, and whether it can."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig

from tang import checkpoint
from tang.errors import InputError
from tang.tasks.base import Task
from tang.training.callbacks.checkpoints import STATE, Checkpoints


def origin(config: DictConfig, last: Path | None, own: Path) -> Path | None:
    """The checkpoint whose vocabulary and weights a run has, if not its corpus's and random ones.

    Args:
        config: of the run.
        last: its own, if it goes on; what it started from may be gone.
        own: the folder of the run or of its sweep, whose checkpoints ``latest`` doesn't mean.

    Raises:
        InputError: there is none.
    """
    if config.init_from is None:
        return None
    kind: type[Task] = hydra.utils.get_class(config.model._target_)
    return last or checkpoint.find(config.init_from, kind, "init_from", own)


def state_of(last: Path, task: Task) -> dict[str, Any]:
    """Where ``last.ckpt`` goes on: epoch, step and the sizes of curves; all else that it has is checked too.

    Its tensors are let go: they would keep on the disk the file that the next checkpoint replaces.

    Raises:
        InputError: it isn't one, or isn't of this ``task``.
    """
    state = checkpoint.resumable(last, task)
    was, now = (
        {name: {**of[name], "backend": None} if name == "model" else of[name] for name in task.saved}
        for of in (state["hyper_parameters"], task.hparams)
    )
    if changed := [name for name in task.saved if was[name] != now[name]]:
        raise InputError(f"{last}: its {changed[0]} isn't that of this run; the corpus or the config has changed since")
    return {**{name: state[name] for name in ("epoch", "global_step")}, STATE: {"curves": state[STATE]["curves"]}}


@contextmanager
def restoring(last: Path | None, checkpoints: Checkpoints) -> Iterator[None]:
    """Name the checkpoint if Lightning or PyTorch fail to restore its states, which they do before training begins.

    Args:
        last: the checkpoint that is restored; None for a new run.
        checkpoints: the run's callback.

    Raises:
        InputError: says which error Lightning or PyTorch raised.
    """
    try:
        yield
    except (InputError, OSError):
        raise
    except Exception as error:
        if last is None or checkpoints.has_begun:
            raise
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise InputError(f"{last}: its states can't be restored ({reason}); resume another run") from error


def check_end(config: DictConfig, state: Mapping[str, Any]) -> None:
    """Refuse an end that the run is past.

    Raises:
        InputError: says where the run is.
    """
    for key, done in (("max_epochs", state["epoch"] + 1), ("max_steps", state["global_step"])):
        end = config.trainer[key]
        if end is not None and 0 <= end < done:
            raise InputError(f"trainer.{key}={end}: the run is at {done} already; give at least that")


def go_on(folder: Path) -> str:
    """How to."""
    return f"python src/train.py resume={os.path.relpath(folder)} goes on"
