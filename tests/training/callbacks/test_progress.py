import time
from types import SimpleNamespace
from typing import Any

import pytest

from tang.training.callbacks.progress import Progress


def test_speed_leaves_the_first_batch_out_and_waits_for_no_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 10.0, 12.0, 100.0, 104.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    trainer: Any = SimpleNamespace(global_step=1, log_every_n_steps=9, sanity_checking=False, world_size=1)
    trainer.callback_metrics = {"val/loss": 1.0}
    batch: Any = SimpleNamespace(num_tokens=60)
    module: Any = None
    speed = Progress()
    speed.on_train_epoch_start(trainer, module)
    speed.on_train_batch_end(trainer, module, None, batch, 0)  # ten seconds
    assert speed.tokens_per_second == 6
    speed.on_train_batch_end(trainer, module, None, batch, 1)  # two
    speed.on_validation_end(trainer, module)
    speed.on_train_batch_end(trainer, module, None, batch, 2)  # four
    assert speed.tokens_per_second == 120 / 6
    assert speed.seconds == 16
