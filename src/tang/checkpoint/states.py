"""What a checkpoint of training holds beside the model: states of optimizers, schedules, loops and callbacks."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from tang.checkpoint.content import Declared, RefusedError, check_finite, shown
from tang.tasks.task import Task

MAX_COUNT = 2**53
MAX_BYTES = 2**20
"""Of a tensor that is none of the model's or the optimizer's: a random state has 5,056."""

REMEDY = "it can't be gone on from; give a run with a last.ckpt of its own"

_STATES = {"optimizer_states": list, "lr_schedulers": list, "loops": dict, "callbacks": dict, "run": dict}
_CHECKED = {"state_dict", "hyper_parameters", "optimizer_states"}


def check_states(values: Mapping[str, Any], model: Task) -> None:
    """Refuse states that training of ``model`` wouldn't have saved.

    Args:
        values: of the checkpoint; its model has been checked.
        model: its model.

    Raises:
        RefusedError: names the state.
    """
    if missing := [name for name in _STATES if name not in values]:
        raise RefusedError(f"holds a model without {missing[0]}", REMEDY)
    for name, kind in _STATES.items():
        if type(values[name]) is not kind:
            raise RefusedError(f"{name} is {shown(values[name])}", REMEDY)
    for name in ("epoch", "global_step"):
        if type(values.get(name)) is not int or not 0 <= values[name] < MAX_COUNT:
            raise RefusedError(f"{name} is {shown(values.get(name))}", REMEDY)
    version = values.get("pytorch-lightning_version")
    if type(version) is not str or not re.fullmatch(r"2\.\d{1,4}\.\d{1,4}[\w.+]{0,40}", version):
        raise RefusedError(f"pytorch-lightning_version is {shown(version)}", REMEDY)
    _check_loops(values["loops"])
    _check_run(values["run"])
    for tensor in _tensors({name: value for name, value in values.items() if name not in _CHECKED}):
        if tensor.nbytes > MAX_BYTES:
            raise RefusedError(f"a state has a tensor of {tensor.nbytes:,} bytes", REMEDY)
    if len(values["optimizer_states"]) != 1:
        raise RefusedError(f"has {len(values['optimizer_states'])} optimizers", REMEDY)
    _check_optimizer(values["optimizer_states"][0], [tuple(weight.shape) for weight in model.parameters()])


def _check_optimizer(optimizer: Any, shapes: list[tuple[int, ...]]) -> None:
    """``state``: number of a parameter → name → tensor of its shape or a number; ``param_groups``: settings."""
    if type(optimizer) is not dict or set(optimizer) != {"state", "param_groups"}:
        raise RefusedError("optimizer_states aren't state and param_groups", REMEDY)
    states, groups = optimizer["state"], optimizer["param_groups"]
    if type(states) is not dict or not all(type(state) is dict for state in states.values()):
        raise RefusedError("the optimizer's state isn't one for each parameter", REMEDY)
    for number, state in states.items():
        if type(number) is not int or not 0 <= number < len(shapes):
            raise RefusedError(f"the optimizer has a state of parameter {shown(number)}, which there isn't", REMEDY)
        for name, value in state.items():
            if type(value) is Declared and value.shape not in ((), shapes[number]):
                raise RefusedError(f"the optimizer's {shown(name)} has another shape than its parameter", REMEDY)
            if type(value) in (list, dict, tuple):
                raise RefusedError(f"the optimizer's {shown(name)} is no tensor and no number", REMEDY)
    if type(groups) is not list or not all(type(group) is dict for group in groups) or any(_tensors(groups)):
        raise RefusedError("the optimizer's param_groups aren't plain settings", REMEDY)
    numbers = [number for group in groups for number in (_list(group.get("params")))]
    if numbers != list(range(len(shapes))):
        raise RefusedError("the optimizer's parameters aren't the model's", REMEDY)


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else []


def _check_loops(value: Any) -> None:
    """Counts, flags, names and nothing: what Lightning's loops and a loader's position are made of."""
    for item in _leaves(value):
        if type(item) is int and not 0 <= item < MAX_COUNT:
            raise RefusedError(f"loops has a count of {shown(item)}", REMEDY)


def _check_run(run: Any) -> None:
    """What :class:`tang.callbacks.checkpoints.Checkpoints` adds: figures, random states, means, sizes of files."""
    if type(run) is not dict or set(run) != {"best_metrics", "metrics", "should_stop", "random", "means", "curves"}:
        raise RefusedError("run isn't the state of a run", REMEDY)
    holds = {
        **{name: _are_numbers(run[name]) for name in ("best_metrics", "metrics")},
        "should_stop": type(run["should_stop"]) is bool,
        "random": type(run["random"]) is list and all(map(_is_random, run["random"])) and run["random"] != [],
        "means": type(run["means"]) is dict and all(_has_numbers(mean, 3) for mean in run["means"].values()),
        "curves": type(run["curves"]) is dict and _has_counts(list(run["curves"].values()), MAX_COUNT),
    }
    if wrong := [name for name, held in holds.items() if not held]:
        raise RefusedError(f"run.{wrong[0]} isn't what a run has there", REMEDY)


def _is_random(states: Any) -> bool:
    """Whether these are what tang.callbacks.random_states takes; NumPy believes any position, in its table or not."""
    try:
        numpy, (version, numbers, gauss) = states["numpy"], states["python"]
        tensors = [states["torch"], *states["cuda"]]
        return (
            all(type(tensor) is Declared and tensor.dtype == torch.uint8 for tensor in tensors)
            and numpy["bit_generator"] == "MT19937"
            and _has_counts(numpy["state"]["key"], 2**32, 624)
            and _has_counts([numpy["state"]["pos"]], 625)
            and _has_counts([numpy["has_gauss"]], 2)
            and type(numpy["gauss"]) is float
            and version == 3
            and _has_counts(numbers, 2**32, 625)
            and (gauss is None or type(gauss) is float)
        )
    except (KeyError, TypeError, ValueError):
        return False


def _has_counts(values: Any, limit: int, count: int | None = None) -> bool:
    """Whether this is a list of so many whole numbers from 0 to below ``limit``."""
    is_list = type(values) is list and (count is None or len(values) == count)
    return is_list and all(type(value) is int and 0 <= value < limit for value in values)


def _has_numbers(values: Any, count: int) -> bool:
    return type(values) is list and len(values) == count and all(type(value) in (int, float) for value in values)


def _are_numbers(values: Any) -> bool:
    return type(values) is dict and all(type(key) is str and type(value) is float for key, value in values.items())


def _leaves(value: Any) -> Iterator[Any]:
    """What stands in dicts and sequences; they aren't deep, which has been checked."""
    if isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    else:
        yield value


def _tensors(value: Any) -> Iterator[Declared]:
    return (item for item in _leaves(value) if type(item) is Declared)


def check_finite_states(loaded: Mapping[str, Any]) -> None:
    """Refuse optimizer states with infinities, or with what isn't a number.

    Args:
        loaded: the checkpoint with its tensors.
    """
    check_finite(loaded["optimizer_states"][0]["state"], "the optimizer's state")
