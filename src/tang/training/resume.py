"""Whether a run can be resumed, and from which checkpoint its model starts."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hydra

from tang import checkpoint
from tang.checkpoint import RUN_STATE
from tang.config.train import TrainConfig
from tang.errors import InputError
from tang.tasks.base import Task
from tang.training.callbacks.checkpoints import Checkpoints


def initial_checkpoint(config: TrainConfig, last: Path | None, own: Path) -> Path | None:
    """Checkpoint to initialize weights and vocabulary from, or None: random weights, the corpus's vocabulary.

    A resumed run takes its own ``last``: the checkpoint that it started from may be gone. ``own`` is the folder of the
    run or of its sweep, whose checkpoints ``latest`` doesn't mean. An InputError if there is no such checkpoint.
    """
    if config.init_from is None:
        return None
    kind: type[Task] = hydra.utils.get_class(config.model._target_)
    return last or checkpoint.find(config.init_from, kind, "init_from", own)


def resume_state(last: Path, task: Task) -> dict[str, Any]:
    """Epoch, step and the sizes of event files in ``last.ckpt``; an InputError if it doesn't fit ``task``.

    The tensors are released: mapped into memory they would keep a file on the disk that the next checkpoint replaces.
    """
    state = checkpoint.load_for_resume(last, task)
    was, now = (
        {name: _asked(saved[name]) for name in task.saved} for saved in (state["hyper_parameters"], task.hparams)
    )
    if changed := [name for name in task.saved if was[name] != now[name]]:
        raise InputError(f"{last}: its {changed[0]} isn't that of this run; the corpus or the config has changed since")
    return {"epoch": state["epoch"], "global_step": state["global_step"], "event_files": state[RUN_STATE]["curves"]}


def _asked(value: Any) -> Any:
    """A field of a checkpoint without what the run's results don't depend on: the backend, keys that are null."""
    if not isinstance(value, Mapping):
        return value
    return {name: key for name, key in value.items() if name != "backend" and key is not None}


@contextmanager
def restoring(last: Path | None, checkpoints: Checkpoints) -> Iterator[None]:
    """Name ``last`` in an InputError if Lightning or PyTorch fail to restore its states before training begins."""
    try:
        yield
    except (InputError, OSError):
        raise
    except Exception as error:
        if last is None or checkpoints.has_begun:
            raise
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise InputError(f"{last}: its states can't be restored ({reason}); resume another run") from error


def check_end(config: TrainConfig, state: Mapping[str, Any]) -> None:
    """Refuse an end of training that the run has passed, with an InputError that names the epoch or step it is at."""
    for key, done in {"max_epochs": state["epoch"] + 1, "max_steps": state["global_step"]}.items():
        end = getattr(config.trainer, key)
        if end is not None and 0 <= end < done:
            raise InputError(f"trainer.{key}={end}: the run is at {done} already; give at least that")
