"""A training step captured once and replayed, beside the step itself."""

from pathlib import Path

import ours
from replay import Replayed

from tang.data.batches import PoemLoader

BARE = [
    *("data=text", "data.min_count=1", "data.batch_size=16", "optimizer=adamw"),
    *("model.hidden_size=8", "model.dropout=0", "model.backend=torch", "trainer.precision=32-true"),
]
"""Overrides of a step without random numbers."""


def replays(launched: ours.Step, step: ours.Step, replayed: Replayed, loader: PoemLoader) -> float:
    """The largest difference of weights after two epochs of a step in float64, and of ``step`` in ``replayed``."""
    for each in (launched, step):
        each.task.double()
    step.task.load_state_dict(launched.task.state_dict())
    for batch in [*loader, *loader]:
        launched(batch)
        replayed(batch)
    assert 1 < len(replayed.captured) < len(loader)
    pairs = zip(launched.task.parameters(), step.task.parameters(), strict=True)
    return max(float((a - b).detach().abs().max()) for a, b in pairs)


def test_a_captured_step_is_given_each_batch(poems_txt: Path, tmp_path: Path) -> None:
    overrides = [*BARE, f"data.path={poems_txt}", f"data.cache={tmp_path}", "trainer.accelerator=cpu"]
    (launched, loader), (step, _) = ours.bare(overrides, "cpu"), ours.bare(overrides, "cpu")
    assert replays(launched, step, Replayed(step, lambda work: work), loader) < 1e-12
