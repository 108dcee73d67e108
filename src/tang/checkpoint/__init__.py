"""Read and write checkpoints: files are untrusted, plain data that is checked before a model is built from it.

A file becomes a model in four steps, each of which refuses it in one line (:class:`~tang.errors.InputError`):

1. The container is read as data (:mod:`~tang.checkpoint.formats`) and its checksum compared.
2. Keys by which a library would import something are refused (:func:`~tang.checkpoint.untrusted.check_keys`).
3. The fields are checked against the config's dataclasses and the task's own rules (:mod:`~tang.checkpoint.fields`).
4. Every weight must have the shape that the fields imply, and be finite.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch

from tang.atomic import atomic_write
from tang.checkpoint import formats
from tang.checkpoint.fields import KINDS, build, check_fields, check_weights, task_of, tied
from tang.checkpoint.untrusted import RefusedError, readable
from tang.errors import InputError
from tang.runs.find import LATEST, best_checkpoints, checkpoint_at
from tang.runs.run import BEST, OUTPUTS
from tang.tasks.saved import Saved

log = logging.getLogger(__name__)

RUN_STATE = "run"  # Key of the state that tang.training.callbacks.checkpoints adds to Lightning's

# The states that a checkpoint has beside a model if training can resume from it
NEEDED = {
    **{"optimizer_states": list, "lr_schedulers": list, "loops": dict, "callbacks": dict},
    **{RUN_STATE: dict, "epoch": int, "global_step": int},
}

T = TypeVar("T", bound=Saved)


def find(ckpt: str, kind: type[Saved], key: str = "ckpt", exclude: Path | None = None) -> Path:
    """The file that ``key=ckpt`` means, see :func:`~tang.runs.find.checkpoint_at`; ``latest`` is the newest run's best.

    An InputError if there is none.

    Args:
        kind: class of the model that ``latest`` must have; :class:`~tang.tasks.saved.Saved` for any.
        exclude: a folder whose checkpoints ``latest`` ignores.
    """
    return _latest(kind, key, exclude) if ckpt == LATEST else checkpoint_at(ckpt, key)


def _latest(kind: type[Saved], key: str, exclude: Path | None) -> Path:
    for path in best_checkpoints():
        if exclude is not None and path.resolve().is_relative_to(exclude.resolve()):
            continue
        try:
            with _named(path):
                if task_of(formats.read(path)).task in ([kind.task] if kind.task else KINDS):
                    log.info("%s=latest: %s", key, path)
                    return path
        except InputError as error:
            log.warning("ignored: %s", error)
    wanted = [kind] if kind.task else list(KINDS.values())
    problem = f"no {BEST} of {' or '.join(task.description for task in wanted)} below {OUTPUTS}/"
    raise InputError(f"{key}=latest: {problem}; train first ({wanted[0].command})")


def load(path: Path, kind: type[T]) -> T:
    """The model of class ``kind`` in a checkpoint or an exported file, on the CPU, in eval mode, computed by PyTorch.

    An InputError if the file is damaged, not a checkpoint of this project, or has another kind of model.
    """
    with _named(path):
        task, content = _checked(path, kind)
        weights = dict(content["state_dict"])
        with readable("its model"):
            model = build(task, content["hyper_parameters"])
            for name, original in tied(model).items():
                weights.setdefault(name, weights[original])
            model.load_state_dict(weights)
    return model.eval()


def load_for_resume(path: Path, task: Any) -> dict[str, Any]:
    """The content of a checkpoint that has a model like ``task`` and the states that training resumes from.

    The model is checked as :func:`load` does; the states are only known to be there (:data:`NEEDED`), else it is an
    InputError. The tensors are mapped from the file as long as the returned content is kept.
    """
    with _named(path):
        _, content = _checked(path, type(task))
        for name, kind in NEEDED.items():
            if type(content.get(name)) is not kind:
                raise RefusedError(f"has no {name} to resume from", "resume a run that has a last.ckpt of its own")
        return content


def check_savable(model: Any) -> None:
    """Raise InputError if the model's checkpoints would be refused when read: it has too many languages, say."""
    try:
        check_fields(type(model), {name: model.hparams[name] for name in model.saved})
    except RefusedError as refusal:
        raise InputError(f"{refusal.reason}; its checkpoints couldn't be read again, so change it") from refusal


def export(model: Any, to: str, dtype: str = "float32") -> None:
    """Write a model as safetensors, its weights as ``dtype``, atomically; InputError if the file can't be written."""
    content = formats.as_safetensors(model, getattr(torch, dtype))
    try:
        atomic_write(Path(to).expanduser(), lambda file: file.write(content))
    except OSError as error:
        raise InputError(f"to={to}: {error.strerror}") from error
    log.info("%s with its vocabulary and sizes: written to %s", model.description, to)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Put the file's name before a refusal."""
    try:
        yield
    except RefusedError as refusal:
        raise InputError(f"{path}: {refusal}") from refusal
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


def _checked(path: Path, kind: type[T]) -> tuple[type[T], dict[str, Any]]:
    """The class of the model in a file that passes all checks, and the file's content."""
    content = formats.read(path)
    task = task_of(content)
    if kind.task not in ("", task.task):
        raise RefusedError(f"this is {task.description}, for {task.read_by}", f"{kind.description} is needed here")
    check_fields(task, content["hyper_parameters"])
    check_weights(task, content["hyper_parameters"], content["state_dict"])
    return (kind if kind.task else task), content  # type: ignore[return-value]
