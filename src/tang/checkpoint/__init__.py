"""Checkpoints, read as a stranger's files: plain data alone, checked before memory is taken, nothing imported.

A file goes through four gates, and only one that passes them all becomes a model:

1. its outside, :mod:`~tang.checkpoint.archive` and :mod:`~tang.checkpoint.exported`: what it claims to hold fits
   in the file, uncompressed;
2. its program, :mod:`~tang.checkpoint.pickled`: it makes plain data and dense tensors;
3. its fields, :mod:`~tang.checkpoint.fields`: types, bounds, vocabulary, and the shape of every tensor against
   the sizes;
4. its bytes: checksums, ``torch.load`` with ``weights_only``, finite weights.
"""

import logging
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tang.checkpoint import archive, exported
from tang.checkpoint.content import DAMAGED, FOREIGN, Content, RefusedError, check_finite, check_memory, readable
from tang.checkpoint.fields import TASKS, build, check_fields, declared_model, task_of, tied
from tang.checkpoint.states import check_loaded_states, check_states
from tang.errors import InputError
from tang.tasks.base import Task

log = logging.getLogger(__name__)

OUTPUTS = Path("outputs")

MAX_FILE = 2**34
"""Bytes: 16 GB. A file can be larger than what it takes on disk, and nobody's poems need such a model."""

T = TypeVar("T", bound=Task)


def find(ckpt: str, kind: type[Task], key: str = "ckpt", besides: Path | None = None) -> Path:
    """The file that ``key=ckpt`` means: a path, or ``latest`` for the best of the newest run of this kind.

    Args:
        ckpt: what the user gave.
        kind: of the model; :class:`~tang.tasks.base.Task` for any.
        key: of the config.
        besides: a folder whose checkpoints aren't meant by ``latest``.

    Raises:
        InputError: there is no such file.
    """
    if ckpt == "latest":
        found = [path for path in OUTPUTS.rglob("checkpoints/best.ckpt") if path.is_file()]
        if besides is not None:
            found = [path for path in found if not path.resolve().is_relative_to(besides.resolve())]
        for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True):
            try:
                if issubclass(_task_of(path), kind):
                    log.info("%s=latest: %s", key, path)
                    return path
            except InputError as error:
                log.warning("passed over: %s", error)
        wanted = [task for task in TASKS.values() if issubclass(task, kind)]
        what = " or ".join(task.description for task in wanted)
        raise InputError(
            f"{key}=latest: no checkpoints/best.ckpt of {what} below {OUTPUTS}/; train first ({wanted[0].command})"
        )
    try:
        path = Path(ckpt).expanduser()
        if path.is_file():
            return path
        problem = "this is a folder; give a file in it" if path.is_dir() else "no such file"
        if path.exists() and not path.is_dir():
            problem = "this is a pipe or a device; give a file"
    except (OSError, RuntimeError) as error:  # a name too long, a home that isn't there
        problem = str(error)
    raise InputError(f"{key}={ckpt}: {problem}")


def load(path: Path, kind: type[T]) -> T:
    """The model in a checkpoint or an exported file, on the CPU, in evaluation mode, computed by PyTorch.

    Args:
        path: of the file.
        kind: of the model; :class:`~tang.tasks.base.Task` for any.

    Raises:
        InputError: the file is broken, no checkpoint of this project, or one of another kind of model.
    """
    with _named(path):
        _, model, _ = _checked(path, kind)
        return model


def resumable(path: Path, task: Task) -> dict[str, Any]:
    """All that training would restore from ``path``, checked: the model as :func:`load` does, and the states.

    States are plain data of bounded size: those of optimizers hold tensors of their parameters' shapes, all others
    small tensors. Lightning's own are checked as they are restored (:mod:`tang.training.restore`).

    Args:
        path: of the checkpoint; its tensors stay in it as long as what is returned is kept.
        task: with optimizer and scheduler, which is to go on.

    Raises:
        InputError: the file can't be gone on from.
    """
    with _named(path):
        values, model, loaded = _checked(path, type(task))
        check_states(values, model, task)
        check_loaded_states(loaded)
        return loaded


def check_savable(model: Task) -> None:
    """Refuse to train a model whose checkpoints couldn't be read again: of more languages than any, say.

    Raises:
        InputError: names the field.
    """
    try:
        check_fields(type(model), {name: model.hparams[name] for name in model.saved})
    except RefusedError as refusal:
        raise InputError(f"{refusal.reason}; its checkpoints couldn't be read again, so change it") from refusal


def export(model: Task, to: str) -> None:
    """Write a model as safetensors, whole or not at all; :func:`load` reads it.

    Raises:
        InputError: it can't be written.
    """
    try:
        exported.write(model, Path(to).expanduser())
    except OSError as error:
        raise InputError(f"to={to}: {error.strerror}") from error
    log.info("%s with its vocabulary and sizes: written to %s", model.description, to)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except RefusedError as refusal:
        raise InputError(f"{path}: {refusal}") from refusal
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


def _task_of(path: Path) -> type[Task]:
    with _named(path):
        return task_of(_content(path).values)


def _content(path: Path) -> Content:
    if not stat.S_ISREG(path.stat().st_mode):
        raise RefusedError("is no file", FOREIGN)
    if path.stat().st_size > MAX_FILE:
        raise RefusedError(f"has {path.stat().st_size:,} bytes, more than any checkpoint")
    with path.open("rb") as file:
        head = file.read(9)
    if not head:
        raise RefusedError("is empty", DAMAGED)
    if head.startswith(archive.MAGIC):
        if path.suffix == ".safetensors":  # by which torch.load goes
            raise RefusedError("is named .safetensors, but a PyTorch checkpoint", "rename it to .ckpt")
        return archive.read(path)
    if exported.is_one(head):
        return exported.read(path)
    raise RefusedError("is neither a PyTorch checkpoint (a zip archive) nor safetensors")


def _checked(path: Path, kind: type[T]) -> tuple[dict[str, Any], T, dict[str, Any]]:
    """Of a file that passes: its values, the model, and the values with their tensors."""
    content = _content(path)
    task = task_of(content.values)
    if not issubclass(task, kind):
        raise RefusedError(f"this is {task.description}, for {task.read_by}", f"{kind.description} is needed here")
    described, state = content.values["hyper_parameters"], content.values["state_dict"]
    check_fields(task, described)
    declared = declared_model(task, described, state)
    check_memory(path.stat().st_size + sum(4 * weight.numel() for weight in declared.parameters()))
    loaded = content.load()
    with readable("its model"):
        model = build(task, described)
        weights = {name: loaded["state_dict"][name] for name in state}
        check_finite(weights, "the model")
        for name, original in tied(model).items():
            weights.setdefault(name, weights[original])
        model.load_state_dict(weights)
    return content.values, model.eval(), loaded
