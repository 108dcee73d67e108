"""Sweeps made up for the tests."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from torch.utils.tensorboard import SummaryWriter

from tang.errors import DIVERGED

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes a run into a sweep's folder as training would, an infinite loss as that of a run that diverged.

    Returns the run's folder.
    """

    def run(
        overrides: Sequence[str],
        loss: float | None,
        curve: Sequence[float] = (),
        metrics: dict[str, float] | None = None,
        reason: str | None = None,
    ) -> Path:
        sweep = tmp_path / "sweep"
        folder = sweep / f"{len(list(sweep.glob('*/')))}_{','.join(overrides)}"[:80].replace("/", "-")
        (folder / ".hydra").mkdir(parents=True)
        (folder / ".hydra" / "overrides.yaml").write_text(json.dumps(overrides, ensure_ascii=False), encoding="utf-8")
        if loss == math.inf:
            loss, reason = None, f"train/loss is nan at batch 3 of epoch 1; the step was not applied, {DIVERGED}"
        if reason is not None:
            (folder / "failure.txt").write_text(f"{reason}\n", encoding="utf-8")
        if loss is not None:
            result = {"val_loss": loss, "metrics": metrics or {"test/ppl": 2.0}, "minutes": 0.5, "epochs": 1}
            text = json.dumps(
                {**result, "tokens_per_second": 9.0, "checkpoint": f"{folder.name}/checkpoints/best.ckpt"}
            )
            (folder / "result.json").write_text(text, encoding="utf-8")
        with SummaryWriter(str(folder)) as writer:
            for number, value in enumerate(curve):
                writer.add_scalar("val/loss", value, 10 * (number + 1) - 1)
        return folder

    return run
