"""The typed schema under ``conf/``: every key, its type and what it may be.

Hydra refuses unknown keys and wrong types while it composes; :func:`check` then refuses values
out of range.
"""

import dataclasses
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from omegaconf import DictConfig, ListConfig, OmegaConf

from tang.config.scripts import Check, Evaluate, Export, Predict, Report
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
        "evaluate": Evaluate,
        "predict": Predict,
        "check": Check,
        "export": Export,
        "study": Study,
        "report": Report,
    },
    "hydra/schema/data": {"poems": Poems, "names": Names},
    "hydra/schema/model": {"language_model": LanguageModel, "classifier": Classifier},
    "hydra/schema/optimizer": {"adam": Adam, "sgd": SGD, "adagrad": Adagrad, "rmsprop": RMSprop, "adadelta": Adadelta},
    "hydra/schema/scheduler": {"none": Scheduler, "cosine": Cosine, "plateau": Plateau},
    "hydra/schema/study": {"memory": Memory, "gradients": Gradients, "flow": Flow, "initialization": Initialization},
}

PRESETS = (("sweeper", "optuna"), ("launcher", "ray"))
"""Files below ``conf/hydra/`` with the name of a plugin's own config."""


def register(**scripts: type) -> None:
    """Put the schema where Hydra finds it, with those of ``scripts`` that keep theirs in a room of their own."""
    store = ConfigStore.instance()
    # Hydra 1.3 copies the store for each group that --help lists, 2 s in all, though it hands out nothing but copies.
    # Now a copy of its singletons, as hydra.test_utils makes, shares this one.
    ConfigStore.__deepcopy__ = lambda self, memo: self  # type: ignore[attr-defined]
    Plugins.instance()  # has imported them all, and with it stored their configs
    for group, name in PRESETS:  # Hydra would take those for schemas of our files, and refuse their defaults lists
        store.repo["hydra"][group].pop(f"{name}.yaml", None)
    for group, schemas in [*SCHEMAS.items(), ("hydra/schema", scripts)]:
        for name, node in schemas.items():
            store.store(group=group, name=name, node=node)


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
