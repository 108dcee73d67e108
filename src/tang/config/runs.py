"""The config of a run that has begun, from its folder: a file as strange as a checkpoint may be."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tang.config import check
from tang.config.training import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Classifier,
    Cosine,
    LanguageModel,
    Names,
    Plateau,
    Poems,
    RMSprop,
    Scheduler,
    Train,
)
from tang.errors import InputError
from tang.files import write_text_whole
from tang.sweeps.summary import RESULT

FILE = Path(".hydra", "config.yaml")
"""In a run's folder: its config, as Hydra composed it."""

MAY_CHANGE = "trainer.max_"
"""What the keys begin with that may be given to a run that goes on."""

TARGETS: dict[str, dict[str, type]] = {
    "data": {cls._target_: cls for cls in (Poems, Names)},
    "model": {cls._target_: cls for cls in (LanguageModel, Classifier)},
    "optimizer": {
        **{f"torch.optim.{name}": Adam for name in ("Adam", "AdamW")},
        **{f"torch.optim.{cls.__name__}": cls for cls in (SGD, Adagrad, RMSprop, Adadelta)},
    },
    "scheduler": {cls._target_: cls for cls in (Scheduler, Cosine, Plateau)},
}
"""The only names of code that such a file may have, and their schemas."""

_RESOLVER = re.compile(r"\$\{(?!oc\.)[^}]*:")


def of_run(folder: Path) -> DictConfig:
    """The config that the run in ``folder`` began with, checked as if it had been typed.

    Raises:
        InputError: it can't be read, or isn't one of this project.
    """
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
        if _RESOLVER.search(text):
            raise InputError("it calls functions")
        loaded: Any = OmegaConf.create(text)
        config: Any = OmegaConf.structured(Train)
        for group, targets in TARGETS.items():
            config[group] = OmegaConf.structured(targets[loaded[group]["_target_"]])
        merged = OmegaConf.merge(config, loaded)
        assert isinstance(merged, DictConfig)
        check(merged)
    except (
        OSError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        yaml.YAMLError,
        OmegaConfBaseException,
    ) as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise InputError(f"{path}: not the config of a run of this project ({reason})") from error
    return merged


def to_go_on(folder: Path, given: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """The config of the run in ``folder``, with what ``overrides`` may change of it changed for good.

    Args:
        folder: of the run.
        given: the config that the command line makes.
        overrides: the command line.

    Raises:
        InputError: as :func:`of_run`; or the run has come to its end.
    """
    config = of_run(folder)
    keys = [override.partition("=")[0] for override in overrides]
    if changes := [key.rpartition(".")[2] for key in keys if key.startswith(MAY_CHANGE)]:
        for name in changes:
            config.trainer[name] = given.trainer[name]
        write_text_whole(folder / FILE, OmegaConf.to_yaml(config))
    elif (folder / RESULT).exists():
        raise InputError(f"resume={folder}: this run is finished; trainer.max_epochs=… trains on")
    return config
