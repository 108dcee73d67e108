"""What a checkpoint of training holds beside the model: states of optimizers, schedules, loops and callbacks."""

import random
import re
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from tang.checkpoint.content import Declared, RefusedError, check_finite, difference, readable, shown
from tang.tasks.base import Task

MAX_COUNT = 2**53
MAX_BYTES = 2**20
"""Of a tensor that is none of the model's or the optimizer's: a random state has 5,056."""

SHAPE = (2, 3)
"""Of a parameter that shows what an optimizer keeps of one."""

REMEDY = "it can't be gone on from; give a run with a last.ckpt of its own"

_STATES = {"optimizer_states": list, "lr_schedulers": list, "loops": dict, "callbacks": dict, "run": dict}
_CHECKED = {"state_dict", "hyper_parameters", "optimizer_states"}


def check_states(values: Mapping[str, Any], model: Task, task: Task) -> None:
    """Refuse states that training of ``model`` wouldn't have saved.

    Args:
        values: of the checkpoint; its model has been checked.
        model: its model.
        task: with the optimizer and the schedule of the run that is to go on.

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
    _check_run(values["run"], set(task.means_state()))
    for tensor in _tensors({name: value for name, value in values.items() if name not in _CHECKED}):
        if tensor.nbytes > MAX_BYTES:
            raise RefusedError(f"a state has a tensor of {tensor.nbytes:,} bytes", REMEDY)
    if len(values["optimizer_states"]) != 1:
        raise RefusedError(f"has {len(values['optimizer_states'])} optimizers", REMEDY)
    parameter = nn.Parameter(torch.zeros(SHAPE))
    assert task.optimizer is not None, "an optimizer is handed over for training"
    optimizer = task.optimizer([parameter])
    begun = set(optimizer.state_dict()["state"])
    parameter.grad = torch.zeros(SHAPE)
    optimizer.step()
    schedule = task.scheduler(optimizer, 2) if task.scheduler else None
    own = [schedule["scheduler"].state_dict()] if schedule else []
    if wrong := difference(values["lr_schedulers"], own, "lr_schedulers"):
        raise RefusedError(f"{wrong} isn't what this run's schedule has there", REMEDY)
    shapes = [tuple(weight.shape) for weight in model.parameters()]
    _check_optimizer(values["optimizer_states"][0], optimizer.state_dict(), shapes, needs_all=bool(begun))


def _check_optimizer(given: Any, own: dict[str, Any], shapes: list[tuple[int, ...]], needs_all: bool) -> None:
    """``state``: number of a parameter → name → tensor of its shape or a number; ``param_groups``: settings.

    Args:
        given: by the file.
        own: of the run's optimizer after a step on one parameter of the shape :data:`SHAPE`.
        shapes: of the model's parameters.
        needs_all: the optimizer doesn't begin a state that is missing.
    """
    if type(given) is not dict or set(given) != {"state", "param_groups"} or type(given["state"]) is not dict:
        raise RefusedError("optimizer_states aren't state and param_groups", REMEDY)
    (group,) = own["param_groups"]
    group = {**group, "params": list(range(len(shapes)))}
    groups = given["param_groups"]
    if wrong := difference(groups, [group], "param_groups"):
        raise RefusedError(f"the optimizer's {wrong} isn't what this run's has there", REMEDY)
    if changed := [name for name in group if name != "lr" and groups[0][name] != group[name]]:
        raise RefusedError(f"the optimizer's {changed[0]} isn't that of this run", REMEDY)
    numbers = given["state"]
    if unknown := [number for number in numbers if number not in range(len(shapes))]:
        raise RefusedError(f"the optimizer has a state of parameter {shown(unknown[0])}, which there isn't", REMEDY)
    if needs_all and len(numbers) < len(shapes):
        raise RefusedError("the optimizer lacks the state of a parameter", REMEDY)
    for number, state in numbers.items():
        expected = {
            name: Declared(value.dtype, shapes[number]) if isinstance(value, Tensor) and value.shape == SHAPE else value
            for name, value in own["state"].get(0, {}).items()
        }
        if wrong := difference(state, expected, f"state.{number}"):
            raise RefusedError(f"the optimizer's {wrong} isn't what this run's has there", REMEDY)


def _check_loops(value: Any) -> None:
    """Counts, flags, names and nothing: what Lightning's loops and a loader's position are made of."""
    for item in _leaves(value):
        if type(item) is int and not 0 <= item < MAX_COUNT:
            raise RefusedError(f"loops has a count of {shown(item)}", REMEDY)


def _check_run(run: Any, means: set[str]) -> None:
    """What the callback Checkpoints adds: metrics, random states, means, sizes of files."""
    if type(run) is not dict or set(run) != {"best_metrics", "metrics", "should_stop", "random", "means", "curves"}:
        raise RefusedError("run isn't the state of a run", REMEDY)
    holds = {
        **{name: _are_numbers(run[name]) for name in ("best_metrics", "metrics")},
        "should_stop": type(run["should_stop"]) is bool,
        "random": type(run["random"]) is list and all(map(_is_random, run["random"])) and run["random"] != [],
        "means": type(run["means"]) is dict
        and set(run["means"]) == means
        and all(map(_is_mean, run["means"].values())),
        "curves": type(run["curves"]) is dict and _has_counts(list(run["curves"].values()), MAX_COUNT),
    }
    holds["best_metrics"] &= run["best_metrics"] == {} or "val/loss" in run["best_metrics"]
    if wrong := [name for name, held in holds.items() if not held]:
        raise RefusedError(f"run.{wrong[0]} isn't what a run has there", REMEDY)


def _is_random(states: Any) -> bool:
    """Whether these are states of random generators; NumPy believes any position, in its table or not."""
    try:
        numpy, (version, numbers, gauss) = states["numpy"], states["python"]
        random.Random().setstate((version, tuple(numbers), gauss))
        return (
            difference(states["torch"], torch.get_rng_state(), "") is None
            and all(value == Declared(torch.uint8, (16,)) for value in states["cuda"])
            and numpy["bit_generator"] == "MT19937"
            and _has_counts(numpy["state"]["key"], 2**32, 624)
            and _has_counts([numpy["state"]["pos"]], 625)
            and _has_counts([numpy["has_gauss"]], 2)
            and type(numpy["gauss"]) is float
            and version == 3
            and _has_counts(numbers, 2**32, 625)
            and (gauss is None or type(gauss) is float)
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return False


def _has_counts(values: Any, limit: int, count: int | None = None) -> bool:
    """Whether this is a list of so many whole numbers from 0 to below ``limit``."""
    is_list = type(values) is list and (count is None or len(values) == count)
    return is_list and all(type(value) is int and 0 <= value < limit for value in values)


def _is_mean(values: Any) -> bool:
    """Whether this is a weighted sum, a weight and a count."""
    is_list = type(values) is list and len(values) == 3 and all(type(value) is float for value in values[:2])
    return is_list and _has_counts(values[2:], MAX_COUNT)


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


def check_loaded_states(loaded: Mapping[str, Any]) -> None:
    """Refuse optimizer states with infinities, with what isn't a number or with negative steps, and random states
    that PyTorch refuses.

    Args:
        loaded: the checkpoint with its tensors.
    """
    states = loaded["optimizer_states"][0]["state"]
    check_finite(states, "the optimizer's state")
    for number, state in states.items():
        if "step" in state and state["step"] < 0:
            raise RefusedError(f"the optimizer's state.{number}.step is negative", REMEDY)
    with readable("run.random"):
        for device in loaded["run"]["random"]:
            torch.Generator().set_state(device["torch"])
