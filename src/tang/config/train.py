"""Keys of ``conf/train.yaml``: a run as a whole."""

from dataclasses import dataclass, field

from tang.config.data import DataConfig
from tang.config.keys import (
    FORM_NAME,
    FRACTION,
    NOT_NEGATIVE,
    SAMPLING_TEMPERATURE,
    SEED,
    STARTS,
    TEMPERATURE,
    at_least,
    key,
)
from tang.config.logger import LoggerConfig
from tang.config.model import ModelConfig
from tang.config.optimizer import OptimizerConfig, SchedulerConfig
from tang.config.trainer import TrainerConfig


@dataclass
class EarlyStoppingConfig:
    """When training ends before its last epoch."""

    patience: int | None = key(3, "validations without improvement of val/loss; null: never stop early", at_least(0))
    min_delta: float = key(0.0, "smallest fall of val/loss that counts as improvement", NOT_NEGATIVE)


@dataclass
class SamplesConfig:
    """Poems written after every validation, in TensorBoard under Text."""

    start: list[str] = key(list(STARTS), "first characters, a poem for each")
    form: str | None = key(None, "null: the commonest form of the training poems", FORM_NAME)
    temperature: float = key(SAMPLING_TEMPERATURE, "divides the logits; 0: always the likeliest character", TEMPERATURE)


@dataclass
class CheckpointConfig:
    """When ``last.ckpt`` is written within an epoch; at the end of each it always is."""

    minutes: float = key(10, "most minutes of training that can be lost when the run is killed", NOT_NEGATIVE)


@dataclass
class CallbacksConfig:
    """Keys of what happens beside training."""

    early_stopping: EarlyStoppingConfig = field(default_factory=EarlyStoppingConfig)
    samples: SamplesConfig = field(default_factory=SamplesConfig)
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)
    ema_decay: float = key(
        0.0,
        "a step's decay of an exponential moving average of the weights, which val and best.ckpt then have",
        FRACTION,
    )


@dataclass
class TrainConfig:
    """A training run."""

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    scheduler: SchedulerConfig = field(default_factory=SchedulerConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    logger: LoggerConfig = field(default_factory=LoggerConfig)
    callbacks: CallbacksConfig = field(default_factory=CallbacksConfig)
    seed: int = key(1, "seed of weights, dropout, batches and sample poems", SEED)
    init_from: str | None = key(None, "checkpoint to take initial weights and vocabulary from, or latest")
    resume: str | None = key(None, "folder of a run to resume, or latest; with -m: of a sweep, to run what is missing")
