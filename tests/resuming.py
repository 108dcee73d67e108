"""Runs that are stopped, and what shows whether they went on as if they hadn't been."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

UNEQUAL = "train/tokens_per_second"
"""The one curve that isn't the same in two runs."""


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """All points of TensorBoard's scalars, (step, value), and the steps of its texts, by step.

    A fold shows as a step that comes twice. TensorBoard reads files that were begun in the same second by the names of
    their numbers, 10 before 9.
    """
    events = EventAccumulator(str(folder), {"scalars": 0, "tensors": 0}, purge_orphaned_data=False)
    events.Reload()
    scalars = {name: [(p.step, p.value) for p in events.Scalars(name)] for name in events.Tags()["scalars"]}
    texts = {name: [(point.step, 0.0) for point in events.Tensors(name)] for name in events.Tags()["tensors"]}
    hparams = {name for name in texts if name.startswith("_hparams_")}
    curves = {name: points for name, points in (scalars | texts).items() if name not in {UNEQUAL, *hparams}}
    return {name: sorted(points, key=lambda point: point[0]) for name, points in curves.items()}


def assert_equal_to_rounding(expected: dict[str, list[tuple[int, float]]], found: dict[str, Any]) -> None:
    """Refuse :func:`curves` that have other points, or other values than rounding explains; print how far they are."""
    assert expected.keys() == found.keys()
    worst = 0.0
    for name, points in expected.items():
        assert [step for step, _ in found[name]] == [step for step, _ in points], name
        values = [value for _, value in points]
        assert [value for _, value in found[name]] == pytest.approx(values, rel=1e-5), name
        worst = max(worst, *(abs(f - e) / abs(e) for (_, f), (_, e) in zip(found[name], points, strict=True) if e), 0)
    print(f"{len(expected)} curves, {sum(map(len, expected.values()))} points, largest relative difference {worst:.1e}")


def state(folder: Path) -> dict[str, Any]:
    """The end of a run: weights, states of optimizer and schedule, random states, means."""
    last = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    best = torch.load(folder / "checkpoints" / "best.ckpt", weights_only=True)
    kept = {name: last[name] for name in ("state_dict", "optimizer_states", "lr_schedulers", "global_step", "epoch")}
    kept |= {name: last[name] for name in ("current_model_state", "averaging_state") if name in last}
    run = {name: last["run"][name] for name in ("best_metrics", "random", "means", "should_stop")}
    return {**kept, **run, "best": best["state_dict"]}


def differences(whole: Any, other: Any, name: str = "") -> list[str]:
    """Where two states or curves aren't bit for bit the same."""
    if isinstance(whole, torch.Tensor):
        return [] if torch.equal(whole, other) else [name]
    if isinstance(whole, dict) and whole.keys() == other.keys():
        return [place for key in whole for place in differences(whole[key], other[key], f"{name}/{key}")]
    if isinstance(whole, list | tuple) and len(whole) == len(other):
        return [
            place
            for i, (a, b) in enumerate(zip(whole, other, strict=True))
            for place in differences(a, b, f"{name}/{i}")
        ]
    return [] if whole == other else [f"{name}: {str(whole)[:80]} {str(other)[:80]}"]
