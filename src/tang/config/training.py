"""The schema of ``conf/train.yaml``; each dataclass stands for the config group of its name."""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from tang.config.rules import (
    BETAS,
    FORM_NAME,
    FORM_NAMES,
    NOT_NEGATIVE,
    POSITIVE,
    SEED,
    SHARE,
    SOME,
    STARTS,
    TEMPERATURE,
    at_least,
    between,
    key,
    one_of,
)
from tang.corpus.collections import CORPORA


@dataclass
class Data:
    """What every data module has; the two below add their own."""

    _target_: str = MISSING
    batch_size: int = key(64, rule=at_least(1))
    seed: int = key(0, rule=SEED)


@dataclass
class Poems(Data):
    """Which poems, and how they are cut, split and batched; see PoemDataModule."""

    _target_: str = "tang.data.poems.PoemDataModule"
    source: str = key("tang", rule=one_of(*CORPORA, "text"))
    dir: str = "data/tang"
    path: str | None = None
    cache: str = "data/prepared"
    script: str = key("simplified", rule=one_of("simplified", "traditional"))
    punctuation: str = key("keep", rule=one_of("keep", "drop"))
    forms: list[str] | None = key(None, rule=FORM_NAMES)
    max_length: int | None = key(None, rule=at_least(2))
    stanzas: int | None = key(None, rule=at_least(1))
    min_count: int = key(2, rule=at_least(1))
    max_train: int | None = key(None, rule=at_least(1))
    max_val: int | None = key(None, rule=at_least(1))


@dataclass
class Names(Data):
    """See NamesDataModule."""

    _target_: str = "tang.data.names.NamesDataModule"
    dir: str = "data/names"
    path: str | None = None
    balanced: bool = False


@dataclass
class Model:
    """What every network has: its sizes, and its recurrent stack; see Recurrent."""

    _target_: str = MISSING
    embedding_size: int | None = key(None, rule=between(1, 2**16))
    hidden_size: int = key(256, rule=between(1, 2**16))
    num_layers: int = key(1, rule=between(1, 2**8))
    dropout: float = key(0.0, rule=SHARE)
    cell: str = key("lstm", rule=one_of("lstm", "rnn", "gru"))
    backend: str = key("auto", rule=one_of("auto", "torch", "cell", "equations", "bptt", "numpy"))
    forget_bias: float = 1.0


@dataclass
class LanguageModel(Model):
    """See tang.tasks.network."""

    _target_: str = "tang.tasks.language_model.LanguageModel"
    tie_weights: bool = True


@dataclass
class Classifier(Model):
    """See tang.tasks.classifier."""

    _target_: str = "tang.tasks.classifier.Classifier"
    cell: str = key("lstm", rule=one_of("lstm", "rnn", "gru", "rnn_report", "lstm_report"))


@dataclass
class Optimizer:
    """What every optimizer has; the others below add their own."""

    _target_: str = MISSING
    _partial_: bool = True
    lr: float = key(MISSING, rule=POSITIVE)
    lr_scale: float = key(1.0, rule=POSITIVE)
    weight_decay: float = key(0.0, rule=NOT_NEGATIVE)


@dataclass
class Adam(Optimizer):
    betas: list[float] = key([0.9, 0.999], rule=BETAS)
    eps: float = key(1e-8, rule=POSITIVE)
    fused: bool | None = None


@dataclass
class NAdam(Optimizer):
    betas: list[float] = key([0.9, 0.999], rule=BETAS)
    eps: float = key(1e-8, rule=POSITIVE)
    momentum_decay: float = key(4e-3, rule=NOT_NEGATIVE)


@dataclass
class RAdam(Optimizer):
    betas: list[float] = key([0.9, 0.999], rule=BETAS)
    eps: float = key(1e-8, rule=POSITIVE)


@dataclass
class Muon(Adam):
    """See tang.tasks.muon; betas, eps and fused are those of AdamW."""

    _target_: str = "tang.tasks.muon.Muon"
    momentum: float = key(0.95, rule=SHARE)
    nesterov: bool = True
    ns_steps: int = key(5, rule=between(1, 99))


@dataclass
class SGD(Optimizer):
    momentum: float = key(0.0, rule=SHARE)
    nesterov: bool = False
    fused: bool | None = None


@dataclass
class Adagrad(Optimizer):
    initial_accumulator_value: float = key(0.0, rule=NOT_NEGATIVE)
    eps: float = key(1e-10, rule=POSITIVE)


@dataclass
class RMSprop(Optimizer):
    alpha: float = key(0.99, rule=SHARE)
    eps: float = key(1e-8, rule=POSITIVE)


@dataclass
class Adadelta(Optimizer):
    rho: float = key(0.9, rule=SHARE)
    eps: float = key(1e-6, rule=POSITIVE)


@dataclass
class Scheduler:
    _target_: str = "tang.tasks.schedules.none"
    _partial_: bool = True


@dataclass
class Cosine(Scheduler):
    _target_: str = "tang.tasks.schedules.cosine"
    warmup: float = key(0.05, rule=SHARE)
    final: float = key(0.0, rule=SHARE)


@dataclass
class Plateau(Scheduler):
    _target_: str = "tang.tasks.schedules.plateau"
    factor: float = key(0.3, rule=SHARE)
    patience: int = key(0, rule=at_least(0))


@dataclass
class Trainer:
    """The arguments of Lightning's Trainer, with its own defaults.

    ``logger`` is TensorBoard's or none; the callbacks are a group of their own.
    """

    accelerator: str = "auto"
    strategy: str = key("auto", rule=one_of("auto", "ddp"))
    devices: Any = "auto"
    num_nodes: int = key(1, rule=at_least(1))
    precision: str | None = None
    logger: bool = True
    fast_dev_run: Any = False
    max_epochs: int | None = key(None, rule=at_least(-1))
    min_epochs: int | None = None
    max_steps: int = key(-1, rule=at_least(-1))
    min_steps: int | None = None
    max_time: Any = None
    limit_train_batches: Any = None
    limit_val_batches: Any = key(None, rule=SOME)
    limit_test_batches: Any = key(None, rule=SOME)
    limit_predict_batches: Any = None
    overfit_batches: Any = 0.0
    val_check_interval: Any = None
    check_val_every_n_epoch: int | None = 1
    num_sanity_val_steps: int | None = None
    log_every_n_steps: int | None = key(None, rule=at_least(1))
    enable_checkpointing: bool | None = None
    enable_progress_bar: bool | None = None
    enable_model_summary: bool | None = None
    accumulate_grad_batches: int = key(1, rule=at_least(1))
    gradient_clip_val: float | None = key(None, rule=NOT_NEGATIVE)
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
    reload_dataloaders_every_n_epochs: int = key(0, rule=at_least(0))
    default_root_dir: str | None = None
    enable_autolog_hparams: bool = True
    model_registry: str | None = None


@dataclass
class EarlyStopping:
    patience: int | None = key(3, rule=at_least(0))
    min_delta: float = key(0.0, rule=NOT_NEGATIVE)


@dataclass
class Samples:
    start: list[str] = field(default_factory=lambda: list(STARTS))
    form: str | None = key(None, rule=FORM_NAME)
    temperature: float = key(0.8, rule=TEMPERATURE)


@dataclass
class Checkpoint:
    minutes: float = key(10, rule=NOT_NEGATIVE)


@dataclass
class Callbacks:
    early_stopping: EarlyStopping = field(default_factory=EarlyStopping)
    samples: Samples = field(default_factory=Samples)
    checkpoint: Checkpoint = field(default_factory=Checkpoint)


@dataclass
class Train:
    """``conf/train.yaml``."""

    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    optimizer: Optimizer = field(default_factory=Optimizer)
    scheduler: Scheduler = field(default_factory=Scheduler)
    trainer: Trainer = field(default_factory=Trainer)
    callbacks: Callbacks = field(default_factory=Callbacks)
    seed: int = key(1, rule=SEED)
    init_from: str | None = None
    resume: str | None = None
