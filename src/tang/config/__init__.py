"""The typed schema under ``conf/``: every key, its type and what it may be.

Hydra refuses unknown keys and wrong types while it composes; :func:`check` then refuses values
out of range.
"""

import dataclasses
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, ListConfig, OmegaConf

from tang.config.scripts import Check, Evaluate, Predict, Sample
from tang.config.studies import Flow, Gradients, Initialization, Memory, Study
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

SCHEMAS: dict[str, dict[str, type]] = {
    "hydra/schema": {
        "train": Train,
        "sample": Sample,
        "evaluate": Evaluate,
        "predict": Predict,
        "check": Check,
        "study": Study,
    },
    "hydra/schema/data": {"poems": Poems, "names": Names},
    "hydra/schema/model": {"language_model": LanguageModel, "classifier": Classifier},
    "hydra/schema/optimizer": {"adam": Adam, "sgd": SGD, "adagrad": Adagrad, "rmsprop": RMSprop, "adadelta": Adadelta},
    "hydra/schema/scheduler": {"none": Scheduler, "cosine": Cosine, "plateau": Plateau},
    "hydra/schema/study": {"memory": Memory, "gradients": Gradients, "flow": Flow, "initialization": Initialization},
}


def register() -> None:
    """Put the schema where Hydra finds it, and the resolver that names a sweep's folders."""
    store = ConfigStore.instance()
    for group, schemas in SCHEMAS.items():
        for name, node in schemas.items():
            store.store(group=group, name=name, node=node)
    OmegaConf.register_new_resolver("run_name", _run_name, replace=True)


def _run_name(number: int, varied: str) -> str:
    """The folder of a sweep's job: ``3_optimizer=adam,model.hidden_size=128``."""
    safe = varied.replace("/", "-").replace("\\", "-")
    while len(safe.encode("utf-8")) > 200:  # file systems take 255 bytes
        safe = safe[:-1]
    return f"{number}_{safe}".rstrip("_")


def check(config: DictConfig, path: str = "") -> None:
    """Refuse values out of range, and keys that were forced in with ``+``.

    Raises:
        InputError: names the key, its value and what is allowed.
    """
    schema: Any = OmegaConf.get_type(config)
    known = {f.name: f.metadata.get("rule") for f in dataclasses.fields(schema)}
    for name in map(str, config):
        full = f"{path}{name}"
        if name not in known:
            raise InputError(f"{full}: no such key; there are {', '.join(k for k in known if not k.startswith('_'))}")
        if OmegaConf.is_missing(config, name):
            raise InputError(f"{full} is missing: give {full}=…")
        value = config[name]
        if isinstance(value, DictConfig):
            check(value, f"{full}.")
        elif (rule := known[name]) and value is not None and not rule.holds(value):
            shown = f"[{', '.join(map(str, value))}]" if isinstance(value, ListConfig) else value
            raise InputError(f"{full}={shown}: must be {rule.allowed}")
