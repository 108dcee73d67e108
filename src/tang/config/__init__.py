"""Typed configuration: each key's type, default, range and line of help stand in one dataclass field.

``conf/`` holds presets of these values and what belongs to Hydra. Hydra refuses unknown keys and wrong types while it
composes; :func:`typed` then refuses values out of range, and returns the dataclass with its values.
"""

import dataclasses
from typing import Any, TypeVar, cast

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from omegaconf import DictConfig, ListConfig, OmegaConf

from tang.config.data import NamesConfig, PoemsConfig
from tang.config.logger import CSV, MLflow, TensorBoard, Wandb
from tang.config.model import ClassifierConfig, LanguageModelConfig
from tang.config.optimizer import OPTIMIZERS, SCHEDULERS
from tang.config.studies import Flow, Gradients, Initialization, Inside, Memory
from tang.config.trainer import TrainerConfig
from tang.errors import InputError

T = TypeVar("T")

GROUPS: dict[str, dict[str, type]] = {
    "data": {"poems": PoemsConfig, "names": NamesConfig},
    "model": {"language_model": LanguageModelConfig, "classifier": ClassifierConfig},
    "optimizer": OPTIMIZERS,
    "scheduler": SCHEDULERS,
    "trainer": {"trainer": TrainerConfig},
    "logger": {"tensorboard": TensorBoard, "csv": CSV, "wandb": Wandb, "mlflow": MLflow},
    "study": {
        "memory": Memory,
        "gradients": Gradients,
        "flow": Flow,
        "initialization": Initialization,
        "inside": Inside,
    },
}
"""Config group → the schemas that its files in ``conf/`` refer to as ``/hydra/schema/GROUP/NAME``."""


def register(**scripts: type) -> None:
    """Store the schemas of all groups, and of these scripts, where Hydra finds them."""
    store = ConfigStore.instance()
    # Hydra 1.3 deep-copies the store for each group that --help lists, 2 s in all, though it only hands out copies.
    # A copy of its singletons, as hydra.test_utils makes, now shares this store.
    ConfigStore.__deepcopy__ = lambda self, memo: self  # type: ignore[attr-defined]
    Plugins.instance()  # imports all plugins, which store their configs
    # Hydra would take Ray's own config for the schema of our file of that name, and refuse its defaults list.
    store.repo["hydra"]["launcher"].pop("ray.yaml", None)
    for name, schema in scripts.items():
        store.store(group="hydra/schema", name=name, node=schema)
    for group, schemas in GROUPS.items():
        for name, schema in schemas.items():
            store.store(group=f"hydra/schema/{group}", name=name, node=schema)


def typed(config: DictConfig, schema: type[T]) -> T:
    """The composed ``config`` as an object of its dataclass: checked, interpolations resolved; else an InputError."""
    check(config)
    return cast(T, OmegaConf.to_object(config))


def check(config: DictConfig, path: str = "") -> None:
    """Refuse values out of range and keys forced in with ``+``: an InputError with key, value and what is allowed."""
    schema: Any = OmegaConf.get_type(config)
    known = {field.name: field.metadata.get("rule") for field in dataclasses.fields(schema)}
    for name in map(str, config):
        full = f"{path}{name}"
        if name not in known:
            raise InputError(f"{full}: no such key; there are {', '.join(k for k in known if not k.startswith('_'))}")
        if OmegaConf.is_missing(config, name):
            group = full.removesuffix("._target_")
            raise InputError(f"{group} is missing: give {group}=…" + "; --help lists the choices" * (group != full))
        value = config[name]
        if isinstance(value, DictConfig):
            check(value, f"{full}.")
        elif (rule := known[name]) and value is not None and not rule.holds(value):
            shown = f"[{', '.join(map(str, value))}]" if isinstance(value, ListConfig) else value
            raise InputError(f"{full}={shown}: must be {rule.allowed}")
