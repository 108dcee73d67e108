"""The typed schema under ``conf/``: every key, its type and what it may be.

Hydra refuses unknown keys and wrong types while it composes; :func:`check` then refuses values
out of range. Each dataclass stands for the config group of its name.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, ListConfig, OmegaConf

from tang.corpus.forms import FORMS
from tang.errors import InputError


class Rule(NamedTuple):
    """What values a key may have."""

    holds: Callable[[Any], bool]
    allowed: str


def _at_least(least: int) -> Rule:
    return Rule(lambda value: value >= least, f"at least {least}")


def _one_of(*choices: str) -> Rule:
    return Rule(lambda value: value in choices, f"one of {', '.join(choices)}")


POSITIVE = Rule(lambda value: value > 0, "greater than 0")
NOT_NEGATIVE = Rule(lambda value: value >= 0, "0 or greater")
SHARE = Rule(lambda value: 0 <= value < 1, "at least 0 and below 1")
SEED = Rule(lambda value: 0 <= value < 2**32, "from 0 to 4294967295")
TEMPERATURE = Rule(lambda value: value == 0 or 0.01 <= value <= 100, "0, or from 0.01 to 100")
BETAS = Rule(lambda values: len(values) == 2 and all(0 <= value < 1 for value in values), "two shares below 1")
SOME = Rule(lambda value: value != 0, "other than 0: a run is measured by its validation and test")
PROBABILITY = Rule(lambda value: 0 < value <= 1, "above 0 and at most 1")
FORM_NAME = _one_of(*FORMS)
FORM_NAMES = Rule(lambda names: len(names) > 0 and set(names) <= set(FORMS), f"null or some of {', '.join(FORMS)}")

STARTS = "日红山夜湖海月"
"""What poems begin with unless told otherwise."""


def key(default: Any, rule: Rule) -> Any:
    """A key of the config with its default and the rule for its values (null is free of it)."""
    metadata = {"rule": rule}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass
class Data:
    """Which poems, and how they are cut, split and batched; see PoemDataModule."""

    _target_: str = "tang.data.poems.PoemDataModule"
    source: str = key("tang", _one_of("tang", "text"))
    dir: str = "data/tang"
    path: str | None = None
    cache: str = "data/prepared"
    script: str = key("simplified", _one_of("simplified", "traditional"))
    punctuation: str = key("keep", _one_of("keep", "drop"))
    forms: list[str] | None = key(None, FORM_NAMES)
    max_length: int | None = key(None, _at_least(2))
    stanzas: int | None = key(None, _at_least(1))
    min_count: int = key(2, _at_least(1))
    max_train: int | None = key(None, _at_least(1))
    max_val: int | None = key(None, _at_least(1))
    batch_size: int = key(64, _at_least(1))
    seed: int = key(0, SEED)


@dataclass
class Model:
    """Sizes of the network; see Network."""

    embedding_size: int | None = key(None, _at_least(1))
    hidden_size: int = key(256, _at_least(1))
    num_layers: int = key(1, _at_least(1))
    dropout: float = key(0.0, SHARE)
    tie_weights: bool = True
    cell: str = key("lstm", _one_of("lstm", "rnn", "gru"))
    backend: str = key("torch", _one_of("torch", "cell", "equations", "bptt", "numpy"))
    forget_bias: float = 1.0


@dataclass
class Optimizer:
    """What every optimizer has; the others below add their own."""

    _target_: str = MISSING
    _partial_: bool = True
    lr: float = key(MISSING, POSITIVE)
    weight_decay: float = key(0.0, NOT_NEGATIVE)


@dataclass
class Adam(Optimizer):
    betas: list[float] = key([0.9, 0.999], BETAS)
    eps: float = key(1e-8, POSITIVE)
    fused: bool | None = None


@dataclass
class SGD(Optimizer):
    momentum: float = key(0.0, SHARE)
    nesterov: bool = False
    fused: bool | None = None


@dataclass
class Adagrad(Optimizer):
    initial_accumulator_value: float = key(0.0, NOT_NEGATIVE)
    eps: float = key(1e-10, POSITIVE)


@dataclass
class RMSprop(Optimizer):
    alpha: float = key(0.99, SHARE)
    eps: float = key(1e-8, POSITIVE)


@dataclass
class Adadelta(Optimizer):
    rho: float = key(0.9, SHARE)
    eps: float = key(1e-6, POSITIVE)


@dataclass
class Scheduler:
    _target_: str = "tang.tasks.schedules.none"
    _partial_: bool = True


@dataclass
class Cosine(Scheduler):
    _target_: str = "tang.tasks.schedules.cosine"
    warmup: float = key(0.05, SHARE)
    final: float = key(0.0, SHARE)


@dataclass
class Plateau(Scheduler):
    _target_: str = "tang.tasks.schedules.plateau"
    factor: float = key(0.3, SHARE)
    patience: int = key(0, _at_least(0))


@dataclass
class Trainer:
    """The arguments of Lightning's Trainer, with its own defaults.

    ``logger`` is TensorBoard's or none; the callbacks are a group of their own.
    """

    accelerator: str = "auto"
    strategy: str = "auto"
    devices: Any = "auto"
    num_nodes: int = key(1, _at_least(1))
    precision: Any = None
    logger: bool = True
    fast_dev_run: Any = False
    max_epochs: int | None = key(None, _at_least(-1))
    min_epochs: int | None = None
    max_steps: int = key(-1, _at_least(-1))
    min_steps: int | None = None
    max_time: Any = None
    limit_train_batches: Any = None
    limit_val_batches: Any = key(None, SOME)
    limit_test_batches: Any = key(None, SOME)
    limit_predict_batches: Any = None
    overfit_batches: Any = 0.0
    val_check_interval: Any = None
    check_val_every_n_epoch: int | None = 1
    num_sanity_val_steps: int | None = None
    log_every_n_steps: int | None = key(None, _at_least(1))
    enable_checkpointing: bool | None = None
    enable_progress_bar: bool | None = None
    enable_model_summary: bool | None = None
    accumulate_grad_batches: int = key(1, _at_least(1))
    gradient_clip_val: float | None = key(None, NOT_NEGATIVE)
    gradient_clip_algorithm: str | None = None
    deterministic: Any = None
    benchmark: bool | None = None
    inference_mode: bool = True
    use_distributed_sampler: bool = True
    profiler: str | None = None
    detect_anomaly: bool = False
    barebones: bool = False
    plugins: Any = None
    sync_batchnorm: bool = False
    reload_dataloaders_every_n_epochs: int = key(0, _at_least(0))
    default_root_dir: str | None = None
    enable_autolog_hparams: bool = True
    model_registry: str | None = None


@dataclass
class EarlyStopping:
    patience: int | None = key(3, _at_least(0))
    min_delta: float = key(0.0, NOT_NEGATIVE)


@dataclass
class Samples:
    start: list[str] = field(default_factory=lambda: list(STARTS))
    form: str | None = key(None, FORM_NAME)
    temperature: float = key(0.8, TEMPERATURE)


@dataclass
class Callbacks:
    early_stopping: EarlyStopping = field(default_factory=EarlyStopping)
    samples: Samples = field(default_factory=Samples)


@dataclass
class Train:
    """``conf/train.yaml``."""

    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    optimizer: Optimizer = field(default_factory=Optimizer)
    scheduler: Scheduler = field(default_factory=Scheduler)
    trainer: Trainer = field(default_factory=Trainer)
    callbacks: Callbacks = field(default_factory=Callbacks)
    seed: int = key(1, SEED)
    init_from: str | None = None


@dataclass
class Sample:
    """``conf/sample.yaml``."""

    ckpt: str = MISSING
    start: list[str] = field(default_factory=lambda: list(STARTS))
    form: str | None = key(None, FORM_NAME)
    chars: int | None = key(None, _at_least(1))
    lines: int | None = key(None, _at_least(1))
    n: int = key(1, _at_least(1))
    temperature: float = key(0.8, TEMPERATURE)
    top_k: int | None = key(None, _at_least(1))
    top_p: float | None = key(None, PROBABILITY)
    seed: int = key(1, SEED)
    format: str = key("text", _one_of("text", "json"))
    out: str | None = None


@dataclass
class Places:
    dir: str | None = None
    path: str | None = None
    cache: str | None = None


@dataclass
class Evaluate:
    """``conf/evaluate.yaml``."""

    ckpt: str = MISSING
    data: Places = field(default_factory=Places)
    split: str = key("test", _one_of("train", "val", "test"))
    batch_size: int = key(128, _at_least(1))
    precision: str = key("32-true", _one_of("32-true", "bf16-mixed", "64-true"))
    format: str = key("text", _one_of("text", "json"))
    out: str | None = None


SCHEMAS: dict[str, dict[str, type]] = {
    "hydra/schema": {"train": Train, "sample": Sample, "evaluate": Evaluate},
    "hydra/schema/optimizer": {"adam": Adam, "sgd": SGD, "adagrad": Adagrad, "rmsprop": RMSprop, "adadelta": Adadelta},
    "hydra/schema/scheduler": {"none": Scheduler, "cosine": Cosine, "plateau": Plateau},
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
