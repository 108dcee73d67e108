import time
from types import SimpleNamespace
from typing import Any

import pytest

from tang.callbacks.progress import Progress


def test_speed_leaves_the_first_batch_out_and_waits_for_no_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 10.0, 12.0, 100.0, 104.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    trainer: Any = SimpleNamespace(global_step=1, log_every_n_steps=9, sanity_checking=False, callback_metrics={})
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


def test_the_best_validation_is_kept_and_one_without_a_number_never_is() -> None:
    speed = Progress()
    for loss in (float("nan"), 3.0, 2.0, float("nan"), 2.5):
        metrics = {"val/loss": loss, "val/ppl": 2 * loss, "train/loss": 9.0}
        speed.on_validation_end(SimpleNamespace(sanity_checking=False, callback_metrics=metrics), None)  # type: ignore[arg-type]
    assert speed.best == {"val/loss": 2.0, "val/ppl": 4.0}
