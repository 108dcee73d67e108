"""Keys of the config group ``logger``; several may be chosen: ``logger=[tensorboard,csv]``."""

from dataclasses import dataclass

from tang.config.keys import key


@dataclass
class TensorBoard:
    """Curves, sample poems, pictures, and a row among HParams: ``tensorboard --logdir outputs``."""


@dataclass
class CSV:
    """``csv/from_step_N/metrics.csv`` in the run's folder, N the step at which the run was started or resumed."""


@dataclass
class Wandb:
    """Weights & Biases, the extra ``wandb``."""

    project: str = key("tang", "project of Weights & Biases")
    entity: str | None = key(None, "user or team; null: your default one")
    offline: bool = key(False, "keep the run in its folder; wandb sync uploads it later")


@dataclass
class MLflow:
    """MLflow, the extra ``mlflow``."""

    experiment: str = key("tang", "experiment of MLflow")
    tracking_uri: str = key("sqlite:///outputs/mlflow.db", "a server, or a database: mlflow ui --backend-store-uri URI")
    artifacts: str | None = key("outputs/mlruns", "folder of texts and pictures; null: where the server keeps them")


@dataclass
class LoggerConfig:
    """The loggers of a run; null: not used."""

    tensorboard: TensorBoard | None = None
    csv: CSV | None = None
    wandb: Wandb | None = None
    mlflow: MLflow | None = None
