"""The config of a run that has begun, from its folder: a file as strange as a checkpoint may be."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf

from tang.atomic import write_text_whole
from tang.config import SCHEMAS, check
from tang.config.training import Adam, Train
from tang.errors import InputError
from tang.runs.folder import RESULT

FILE = Path(".hydra", "config.yaml")
"""In a run's folder: its config, as Hydra composed it."""

MAY_CHANGE = "trainer.max_"
"""What the keys begin with that may be given to a run that goes on."""

TARGETS: dict[str, dict[str, Any]] = {
    **{
        group: {schema._target_: schema for schema in SCHEMAS[f"hydra/schema/{group}"].values()}  # type: ignore[attr-defined]
        for group in ("data", "model", "scheduler")
    },
    "optimizer": {
        "torch.optim.AdamW": Adam,
        "tang.tasks.muon.Muon": SCHEMAS["hydra/schema/optimizer"]["muon"],
        **{
            f"torch.optim.{schema.__name__}": schema
            for name, schema in SCHEMAS["hydra/schema/optimizer"].items()
            if name != "muon"
        },
    },
}
"""The only names of code that such a file may have, and their schemas."""

MAX_BYTES = 2**20
"""Of such a file; it has some 3,000."""

_PLAIN = re.compile(r"\$\{[\w.]+\}")
"""A reference to another key, as ``${seed}``."""


def of_run(folder: Path) -> DictConfig:
    """The config that the run in ``folder`` began with, checked as if it had been typed.

    Raises:
        InputError: it can't be read, or isn't one of this project.
    """
    path = folder / FILE
    try:
        refuse_links(folder)
        loaded: Any = _read(path)
        config: Any = OmegaConf.structured(Train)
        for group, targets in TARGETS.items():
            target = loaded[group]["_target_"]
            config[group] = OmegaConf.structured(targets[target])
            config[group]["_target_"] = target
        merged = OmegaConf.merge(config, loaded)
        assert isinstance(merged, DictConfig)
        for group in TARGETS:  # looked up above; nothing else in the file may say otherwise
            merged[group]["_target_"] = config[group]["_target_"]
        check(merged)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except Exception as error:  # what a stranger's file holds can raise anything
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise InputError(f"{path}: not the config of a run of this project ({reason})") from error
    return merged


def refuse_links(folder: Path) -> None:
    """Of what is written there nothing may lead out of a run's folder.

    Raises:
        InputError: something in it is a link.
    """
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if (path := Path(place, name)).is_symlink():
                raise InputError(f"{path}: is a link; a run's folder has none")


def _read(path: Path) -> DictConfig:
    """A YAML file without what could grow or act: aliases, and calls of resolvers."""
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise InputError("no file of a config's size")
    text = path.read_text(encoding="utf-8")
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
        raise InputError("has a YAML alias; Hydra writes none")
    loaded = OmegaConf.create(text)
    assert isinstance(loaded, DictConfig)
    for value in _texts(OmegaConf.to_container(loaded, resolve=False)):
        if "${" in _PLAIN.sub("", value):
            raise InputError(f"{value}: calls a function; give the value itself")
    return loaded


def _texts(value: Any) -> Iterator[str]:
    """All that stand in lists and dicts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def to_go_on(folder: Path, given: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """The config of the run in ``folder``, with what ``overrides`` may change of it changed.

    Args:
        folder: of the run.
        given: the config that the command line makes.
        overrides: the command line.

    Raises:
        InputError: as :func:`of_run`; or the run has come to its end.
    """
    config = of_run(folder)
    keys = [override.partition("=")[0] for override in overrides]
    changes = [key.rpartition(".")[2] for key in keys if key.startswith(MAY_CHANGE)]
    if not changes and (folder / RESULT).exists():
        raise InputError(f"resume={os.path.relpath(folder)}: this run is finished; trainer.max_epochs=… trains on")
    for name in changes:
        config.trainer[name] = given.trainer[name]
    return config


def keep(folder: Path, config: DictConfig) -> None:
    """Make ``config`` the one that the run in ``folder`` has from now on."""
    if (folder / FILE).exists():
        write_text_whole(folder / FILE, OmegaConf.to_yaml(config))
