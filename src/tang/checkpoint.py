"""Checkpoints: plain data, read with ``weights_only``."""

import logging
from pathlib import Path
from typing import Any, TypeVar

import torch

from tang.errors import InputError
from tang.tasks.classifier import Classifier
from tang.tasks.language_model import LanguageModel
from tang.tasks.task import Task

log = logging.getLogger(__name__)

OUTPUTS = Path("outputs")

TASKS: dict[str, type[Task]] = {task.__name__: task for task in (LanguageModel, Classifier)}

T = TypeVar("T", bound=Task)


def find(ckpt: str, kind: type[Task], key: str = "ckpt") -> Path:
    """The file that ``key=ckpt`` means: a path, or ``latest`` for the best of the newest run of this kind.

    Raises:
        InputError: there is no such file.
    """
    if ckpt == "latest":
        found = sorted(OUTPUTS.rglob("checkpoints/best.ckpt"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in found:
            try:
                if _read(path)["task"] == kind.__name__:
                    log.info("%s=latest: %s", key, path)
                    return path
            except InputError as error:
                log.warning("passed over: %s", error)
        raise InputError(
            f"{key}=latest: no checkpoints/best.ckpt of {kind.what} below {OUTPUTS}/; train first ({kind.command})"
        )
    try:
        path = Path(ckpt).expanduser()
        if path.is_file():
            return path
        problem = "this is a folder; give a file in it" if path.is_dir() else "no such file"
    except (OSError, RuntimeError) as error:  # a name too long, a home that isn't there
        problem = str(error)
    raise InputError(f"{key}={ckpt}: {problem}")


def load(path: Path, kind: type[T]) -> T:
    """The model in a checkpoint, on the CPU, in evaluation mode; PyTorch computes it, whatever did in training.

    Raises:
        InputError: the file is no checkpoint of this project, or one of another kind of model.
    """
    content = _read(path)
    if content["task"] != kind.__name__:
        other = TASKS[content["task"]]
        raise InputError(f"{path}: this is {other.what}, for {other.read_by}; {kind.what} is needed here")
    try:
        arguments = {name: content["hyper_parameters"][name] for name in kind.saved}
        model = kind(**{**arguments, "model": {**arguments["model"], "backend": "torch"}})
        model.load_state_dict(content["state_dict"])
    except Exception as error:  # what a stranger's file holds can raise anything
        raise _broken(path, error) from error
    return model.eval()


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        _ = TASKS[content["task"]], content["hyper_parameters"], content["state_dict"]
    except Exception as error:  # unpickling broken bytes can raise anything
        raise _broken(path, error) from error
    return content


def _broken(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: not a checkpoint of this project, or a broken one ({type(error).__name__})")
