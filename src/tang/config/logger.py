"""Keys of the config group ``logger``; several loggers may be chosen: ``logger=[tensorboard,csv]``."""

from dataclasses import dataclass


@dataclass
class TensorBoard:
    """Curves, sample poems, pictures, and a row among HParams: ``tensorboard --logdir outputs``."""


@dataclass
class CSV:
    """``csv/from_step_N/metrics.csv`` in the run's folder, N the step that the run was started or resumed at."""


@dataclass
class LoggerConfig:
    """The loggers of a run; null: not used."""

    tensorboard: TensorBoard | None = None
    csv: CSV | None = None
