"""Sweeps' folders, made up."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from torch.utils.tensorboard import SummaryWriter

from tang.errors import DivergedError
from tang.runs.run import Result, RunFolder

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
            message = str(DivergedError("train/loss is nan at batch 3 of epoch 1; the step was not applied"))
            RunFolder(folder).write_failure("diverged", message)
        elif reason is not None:
            RunFolder(folder).write_failure("crashed", reason)
        elif loss is not None:
            checkpoint = f"{folder.name}/checkpoints/best.ckpt"
            RunFolder(folder).write_result(
                Result("LanguageModel", loss, metrics or {"test/ppl": 2.0}, 1, 0.5, 9.0, checkpoint)
            )
        with SummaryWriter(str(folder)) as writer:
            for number, value in enumerate(curve):
                writer.add_scalar("val/loss", value, 10 * (number + 1) - 1)
        return folder

    return run
