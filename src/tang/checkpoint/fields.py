"""Check what a checkpoint says of its model, before it is built: task, fields, sizes and every weight."""

import dataclasses
import types
import typing
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from tang.checkpoint.untrusted import NEWER, OLDER, RefusedError, shown
from tang.recurrent import cells
from tang.tasks.name_model import NameModel
from tang.tasks.poem_model import PoemModel
from tang.tasks.saved import Saved

KINDS: dict[str, type[Saved]] = {
    kind.task: kind for kind in (PoemModel, NameModel)
}  # By the task's name in checkpoints
MAX_NUMBER = 2**32  # Numbers are smaller
MAX_ITEMS = 2**16  # Items of a list
MAX_TEXT = 4096  # Characters of a path, about what operating systems take
STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # Categories of Unicode that steer terminals, where texts are logged

T = typing.TypeVar("T", bound=Saved)


def task_of(content: Mapping[str, Any]) -> type[Saved]:
    """The class of the model in a checkpoint; RefusedError if it is another project's or version's."""
    task, fields, state = (content.get(name) for name in ("task", "hyper_parameters", "state_dict"))
    if "task" in content and (type(task) is not str or task not in KINDS):
        raise RefusedError(f"has a model of an unknown task {shown(task)}", NEWER)
    if isinstance(state, dict) and type(fields) is dict:
        if type(task) is str:
            return KINDS[task]
        if "model" in fields and ("vocabulary" in fields or "languages" in fields):
            raise RefusedError("doesn't name its task", OLDER)
    if content and all(isinstance(value, Tensor) for value in content.values()):
        raise RefusedError("holds weights alone (a state dict)")
    if "pytorch-lightning_version" in content:
        raise RefusedError("is a Lightning checkpoint of another project's module")
    raise RefusedError("has no task, hyper_parameters and state_dict")


def check_fields(task: type[Saved], fields: Mapping[str, Any]) -> None:
    """Check ``hyper_parameters`` against the task's arguments, configs and rules; RefusedError names the field."""
    _check_names("hyper_parameters", fields, task.saved)
    hints = typing.get_type_hints(task.__init__)
    for name, value in fields.items():
        if name in task.configs:
            _check_config(name, value, task.configs[name])
        else:
            _check_type(name, value, hints[name])
    try:
        task.check_saved(fields)
    except ValueError as error:
        raise RefusedError(str(error)) from error


def _check_names(where: str, given: Any, known: Iterable[str], optional: Sequence[str] = ()) -> None:
    if type(given) is not dict:
        raise RefusedError(f"{where} is {shown(given)}, not a dict")
    if missing := [name for name in known if name not in given and name not in optional]:
        raise RefusedError(f"{where} has no {', '.join(missing)}", OLDER)
    if unknown := [name for name in given if name not in known]:
        raise RefusedError(f"{where} has an unknown {shown(unknown[0])}", NEWER)


def _check_config(group: str, given: Any, schema: type) -> None:
    """Check a group of the config against its dataclass; unlike OmegaConf, which converts "8" to 8, exactly."""
    keys = [f for f in dataclasses.fields(schema) if not f.name.startswith("_")]
    rules = {f.name: f.metadata.get("rule") for f in keys}
    hints = typing.get_type_hints(schema)
    # Without a key that is off by default, or counts only with such a key, an earlier version did without it too.
    later = [f.name for f in keys if f.default in (None, 0, False) or f.name == "echo_lines"]
    _check_names(group, given, rules, optional=later)
    for name, value in given.items():
        _check_type(f"{group}.{name}", value, hints[name])
        if (rule := rules[name]) and value is not None and not rule.holds(value):
            raise RefusedError(f"{group}.{name} is {shown(value)}, which must be {rule.allowed}")


def _check_type(where: str, value: Any, hint: Any) -> None:
    texts = value if type(value) is list else [value] if type(value) is str else []
    for text in texts:
        if type(text) is not str or len(text) > MAX_TEXT or STEERING.intersection(map(unicodedata.category, text)):
            found = f"is {shown(text)}, too long or" if text is value else f"has {shown(text)}, no text or one"
            raise RefusedError(f"{where} {found} with characters that steer a terminal")
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else [hint]
    kinds = {typing.get_origin(option) or option for option in options}
    is_of_type = type(value) in kinds or {int: float, list: Sequence}.get(type(value)) in kinds
    is_long = type(value) is list and len(value) > MAX_ITEMS
    is_large = type(value) in (int, float) and not abs(value) < MAX_NUMBER  # NaN too
    if not is_of_type or is_long or is_large:
        raise RefusedError(f"{where} is {shown(value)}, which is of the wrong type or too long")


def check_weights(task: type[Saved], fields: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Refuse weights that are missing, unknown, not dense, not finite, or not of the shape that the fields imply.

    The shapes are those of a model on the meta device, which takes no memory.
    """
    try:
        with torch.device("meta"), WithoutInitialization():
            model = build(task, fields)
    except ValueError as error:  # fields that exclude each other
        raise RefusedError(str(error)) from error
    expected = {name: tuple(weight.shape) for name, weight in model.state_dict().items()}
    present = {*state, *tied(model)}
    if missing := [name for name in expected if name not in present]:
        raise RefusedError(f"has no weights {missing[0]}")
    for name, weight in state.items():
        if name not in expected:
            raise RefusedError(f"has weights {shown(name)} that its model lacks")
        if type(weight) is not Tensor or not weight.dtype.is_floating_point:
            raise RefusedError(f"{name} isn't a tensor of floating-point numbers")
        if weight.shape != expected[name]:
            raise RefusedError(f"{name} has the shape {tuple(weight.shape)}, its sizes imply {expected[name]}")
        if weight.layout != torch.strided or not weight.is_contiguous():
            raise RefusedError(f"{name} isn't dense: its elements overlap or lie apart")
        if not weight.isfinite().all():
            raise RefusedError(f"{name} is not finite everywhere", "its training failed, or the file is damaged")


class WithoutInitialization(TorchFunctionMode):
    """Leaves out the functions of ``torch.nn.init``, for which PyTorch would import its compiler on the meta device."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__module__", None) == nn.init.__name__:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def build(task: type[T], fields: Mapping[str, Any]) -> T:
    """The untrained model on the default backend of its cell, whatever backend trained it."""
    model = {**fields["model"], "backend": cells.default_backend(fields["model"]["cell"])}
    return task(**{**fields, "model": model})


def tied(model: Any) -> dict[str, str]:
    """Weights that have several names: each name but the first → the first."""
    first: dict[int, str] = {}
    names = ((name, first.setdefault(id(tensor), name)) for name, tensor in model.state_dict(keep_vars=True).items())
    return {name: original for name, original in names if name != original}
