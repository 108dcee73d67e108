"""Keys of the config group ``trainer``: the arguments of Lightning's Trainer, with its help in one line each."""

from dataclasses import dataclass
from typing import Any

from tang.config.keys import NONZERO, NOT_NEGATIVE, at_least, key, one_of


@dataclass
class TrainerConfig:
    """Arguments of ``pytorch_lightning.Trainer``; loggers and callbacks are groups of their own."""

    accelerator: str = key("auto", "cpu, cuda, mps, …; auto: a GPU that CUDA sees, else the CPU")
    strategy: str = key("auto", "ddp: several devices share every batch, docs/scaling.md", one_of("auto", "ddp"))
    devices: Any = key(1, "how many, which ([0,2]), or auto: all")
    num_nodes: int = key(1, "machines that share the run", at_least(1))
    precision: str | None = key(
        None, "32-true, bf16-mixed, 64-true, …; null: the fastest with model.backend=auto, else 32-true"
    )
    fast_dev_run: Any = key(False, "true: one batch of training, validation and test, to try the code")
    max_epochs: int | None = key(5, "passes over the training poems at most; -1: no limit", at_least(-1))
    min_epochs: int | None = key(None, "passes before early stopping may end the run")
    max_steps: int = key(-1, "optimizer steps at most; -1: no limit", at_least(-1))
    min_steps: int | None = key(None, "optimizer steps before early stopping may end the run")
    max_time: Any = key(None, "DD:HH:MM:SS at most")
    limit_train_batches: Any = key(None, "batches of an epoch, or a share of them")
    limit_val_batches: Any = key(None, "batches of a validation, or a share of them", NONZERO)
    limit_test_batches: Any = key(None, "batches of the test, or a share of them", NONZERO)
    overfit_batches: Any = key(0.0, "train and validate on so many batches of the training poems")
    val_check_interval: Any = key(None, "batches, or a share of an epoch, between validations; null: an epoch")
    check_val_every_n_epoch: int | None = key(1, "epochs between validations; null: val_check_interval runs on")
    num_sanity_val_steps: int | None = key(0, "batches of validation before training")
    log_every_n_steps: int | None = key(10, "optimizer steps between points of the curves; null: 50", at_least(1))
    enable_progress_bar: bool | None = key(None, "a bar on the terminal; a sweep has none")
    enable_model_summary: bool | None = key(False, "a table of the layers before training")
    accumulate_grad_batches: int = key(1, "batches whose gradients are added up for one step", at_least(1))
    gradient_clip_val: float | None = key(1.0, "norm that longer gradients are scaled to; null: none", NOT_NEGATIVE)
    gradient_clip_algorithm: str | None = key(None, "norm (null means it) or value")
    deterministic: Any = key(None, "true: refuse operations that aren't reproducible")
    benchmark: bool | None = key(None, "let cuDNN try its algorithms")
    inference_mode: bool = key(True, "validate in torch.inference_mode, not torch.no_grad")
    profiler: str | None = key(None, "simple or advanced: where the time goes")
    detect_anomaly: bool = key(False, "name the operation in which a gradient becomes NaN; slow")
    plugins: Any = key(None, "plugins of Lightning, by name")
