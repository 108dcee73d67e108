"""The config in a run's folder: read as untrusted data, checked as if it had been typed."""

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from tang.atomic import write_text
from tang.config import GROUPS, typed
from tang.config.train import TrainConfig
from tang.config.trainer import TrainerConfig
from tang.errors import InputError
from tang.runs.run import Result, RunFolder

MAY_CHANGE = "trainer.max_"  # Prefix of the keys that may be given to a run that is resumed
DEVICES = ("trainer.devices", "trainer.num_nodes", "trainer.strategy")  # So may these, but for a sweep's run

TARGETS: dict[str, dict[str, Any]] = {  # Config group → the ``_target_`` values that are accepted → their schemas
    group: {schema._target_: schema for schema in GROUPS[group].values()}  # type: ignore[attr-defined]
    for group in ("data", "model", "optimizer", "scheduler")
}

MAX_BYTES = 2**20  # Largest file that is read; a config has some 3,000 bytes
_REFERENCE = re.compile(r"\$\{[\w.]+\}")  # A reference to another key, as ${seed}


def load_config(folder: RunFolder) -> TrainConfig:
    """The config that a run was started with; an InputError if the file isn't one of this project."""
    try:
        folder.refuse_links()
        loaded: Any = _read(folder.config)
        config: Any = OmegaConf.structured(TrainConfig)
        for group, schemas in TARGETS.items():
            target = loaded[group]["_target_"]
            config[group] = OmegaConf.structured(schemas[target])
            config[group]["_target_"] = target
        merged: Any = OmegaConf.merge(config, loaded)
        for group in TARGETS:  # an interpolation in the file could say otherwise
            merged[group]["_target_"] = config[group]["_target_"]
        return typed(merged, TrainConfig)
    except InputError as error:
        raise InputError(f"{folder.config}: {error}") from error
    except Exception as error:  # an untrusted file can raise anything
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise InputError(f"{folder.config}: not the config of a run of this version ({reason})") from error


def _read(path: Path) -> DictConfig:
    """A YAML file without aliases, which can grow, and without calls of resolvers, which can act."""
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise InputError("no file of a config's size")
    text = path.read_text(encoding="utf-8")
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
        raise InputError("has a YAML alias; Hydra writes none")
    loaded = OmegaConf.create(text)
    assert isinstance(loaded, DictConfig)
    for value in _strings(OmegaConf.to_container(loaded, resolve=False)):
        if "${" in _REFERENCE.sub("", value):
            raise InputError(f"{value}: calls a function; give the value itself")
    return loaded


def _strings(value: Any) -> Iterator[str]:
    """All strings in nested lists and dicts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def resumed_config(folder: RunFolder, given: TrainConfig, overrides: Sequence[str]) -> TrainConfig:
    """The config of the run in ``folder``, with those keys of ``overrides`` taken from ``given`` that may change.

    An InputError as in :func:`load_config`, or if the run is finished and what is given doesn't let it train on.
    """
    config = load_config(folder)
    keys = [override.partition("=")[0] for override in overrides]
    changes = {key.rpartition(".")[2] for key in keys if key.startswith((MAY_CHANGE, *DEVICES))}
    trainer = replace(config.trainer, **{name: getattr(given.trainer, name) for name in changes})
    if result := folder.read_result():
        check_trains_on(folder, result, config.trainer, trainer)
    return replace(config, trainer=trainer)


def check_unchanged(folder: RunFolder, cfg: DictConfig) -> None:
    """Refuse to train with the config ``cfg`` in the folder of a run that had another, before it is overwritten.

    The InputError names a key that differs; those of :data:`MAY_CHANGE` and :data:`DEVICES` may.
    """
    if not folder.has_begun:
        return
    composed = copy.deepcopy(cfg)
    with read_write(composed), open_dict(composed):
        del composed["hydra"]
    before, after = (flat(asdict(config)) for config in (load_config(folder), typed(composed, TrainConfig)))
    for key in (key for key in changed_keys(before, after) if not key.startswith((MAY_CHANGE, *DEVICES))):
        raise InputError(
            f"hydra.run.dir={folder.relative}: has a run with {key}={before.get(key)}, not {after.get(key)}; "
            f"give another folder, or resume={folder.relative}"
        )


def changed_keys(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Keys whose values in two :func:`flat` configs differ."""
    return [key for key in {**before, **after} if before.get(key) != after.get(key)]


def flat(values: Any, path: str = "") -> dict[str, Any]:
    """Nested dicts as one: ``optimizer.lr`` → value."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        full = f"{path}{name}"
        found |= flat(value, f"{full}.") if isinstance(value, dict) else {full: value}
    return found


def check_trains_on(folder: RunFolder, result: Result, before: TrainerConfig, after: TrainerConfig) -> None:
    """Refuse to resume a finished run that ``after`` wouldn't train further; the InputError says what would."""
    finished = f"resume={folder.relative}: this run is finished" + (f", {result.why_ended}" if result.ended_by else "")
    if {"patience", "pruned", "fast_dev_run"} & set(result.ended_by):
        raise InputError(f"{finished}; init_from={folder.best} starts another from its weights")
    reached = {"max_epochs": result.epochs, "max_steps": result.steps}

    def is_lifted(limit: str) -> bool:
        value = getattr(after, limit)
        return value != getattr(before, limit) if limit == "max_time" else value in (None, -1) or value > reached[limit]

    stuck = [limit for limit in result.ended_by if not is_lifted(limit)]
    if not result.ended_by and after == before:  # results of earlier versions don't say what ended the run
        stuck = ["max_epochs"]
    if stuck:
        raise InputError(f"{finished}; {' '.join(f'trainer.{limit}=…' for limit in stuck)} trains on")


def save_config(folder: RunFolder, config: TrainConfig) -> None:
    """Replace the config in a run's folder, if it has one."""
    if folder.config.exists():
        write_text(folder.config, OmegaConf.to_yaml(OmegaConf.structured(config)))
