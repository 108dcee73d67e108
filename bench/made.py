"""The folder of a sweep with many finished runs, made and not trained, for the benchmark ``runs.py``.

Two tiny runs are trained, one for each optimizer. The other runs are their copies, with other settings, results and
curves, so that every file is as training leaves it.
"""

import math
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
from tensorboard.summary.writer.record_writer import RecordWriter

from tang.runs.run import RunFolder
from tang.runs.sweep import SweepFolder

ROOT = Path(__file__).parents[1]
VALIDATIONS = 20
OPTIMIZERS = ("adam", "momentum")
RATES = ("0.1", "0.3", "1.0", "3.0", "10.0")  # as Hydra writes them into a config
SEEDS = 5

TRAINED = {"optimizer.lr_scale": "0.123", "data.batch_size": "97531", "seed": "98765"}
"""What the trained runs have in place of the settings that vary; the batch is the whole corpus."""


def make_sweep(folder: Path, count: int, overrides: Sequence[str]) -> None:
    """Make a sweep of 10, 20, 30, 40 or a multiple of 50 runs: two optimizers, five rates, seeds, batch sizes.

    Raises:
        RuntimeError: a training failed; the message has its stderr.
    """
    seeds = min(SEEDS, count // (len(OPTIMIZERS) * len(RATES)))
    sizes = count // (len(OPTIMIZERS) * len(RATES) * seeds)
    settings = {
        "optimizer.lr_scale": RATES,
        "data.batch_size": [str(8 * number) for number in range(1, 1 + sizes)],
        "seed": [str(number) for number in range(1, 1 + seeds)],
    }
    varied = {key for key, values in settings.items() if len(values) > 1}
    trained = _trained(folder.with_name(f"{folder.name}_trained"), varied, overrides)
    folder.mkdir(parents=True)
    record = _replaced(SweepFolder(trained).record.read_text(encoding="utf-8"), trained, folder)
    for key, values in settings.items():
        record = record.replace(f"{key}=choice({TRAINED[key]})", f"{key}={','.join(values)}")
        record = record.replace(TRAINED[key], values[0])
    SweepFolder(folder).record.write_text(record, encoding="utf-8")
    runs = dict(zip(OPTIMIZERS, SweepFolder(trained).run_folders(), strict=True))
    for number, (optimizer, *values) in enumerate(product(OPTIMIZERS, *settings.values())):
        _copy(runs[optimizer], folder, number, dict(zip(settings, values, strict=True)))
    shutil.rmtree(trained)


def _trained(folder: Path, varied: set[str], overrides: Sequence[str]) -> Path:
    """The folder of a sweep of one run for each optimizer, which names its runs by the keys that will be ``varied``."""
    settings = [f"{key}=choice({value})" if key in varied else f"{key}={value}" for key, value in TRAINED.items()]
    length = [f"trainer.max_epochs={VALIDATIONS}", "callbacks.early_stopping.patience=null"]
    given = [*overrides, *length, f"optimizer={','.join(OPTIMIZERS)}", *settings, f"hydra.sweep.dir={folder}"]
    command = [sys.executable, str(ROOT / "src" / "train.py"), "-m", *given]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env={**os.environ, "OMP_NUM_THREADS": "1"})
    if done.returncode:
        raise RuntimeError(done.stderr)
    return folder


def _copy(run: RunFolder, sweep: Path, number: int, values: dict[str, str]) -> None:
    """Copy a trained run into a sweep, as the run of this number with these settings."""
    folder = RunFolder(sweep / _settings(f"{number}_{run.path.name.partition('_')[2]}", values))
    shutil.copytree(run.path, folder.path)
    for file in (folder.config, folder.started, folder.overrides, folder.hydra, folder.log):
        text = _replaced(file.read_text(encoding="utf-8"), run.path, folder.path)
        text = text.replace(f"num: {run.number}\n", f"num: {number}\n").replace(
            f"id: '{run.number}'", f"id: '{number}'"
        )
        file.write_text(_settings(_replaced(text, run.path.parent, sweep), values), encoding="utf-8")
    trained = run.read_result()
    assert trained is not None
    rise = 0.1 * math.log(float(values["optimizer.lr_scale"])) ** 2 + random.Random(number).gauss(0.0, 0.05)
    loss, checkpoint = trained.val_loss + rise, str(folder.best)
    folder.write_result(replace(trained, val_loss=loss, checkpoint=checkpoint))
    for path in folder.events:
        _raise_curve(path, rise)


def _settings(text: str, values: dict[str, str]) -> str:
    """``text`` with the settings of a trained run replaced by these."""
    for key, value in values.items():
        text = text.replace(TRAINED[key], value)
    return text


def _replaced(text: str, before: Path, after: Path) -> str:
    """``text`` with another folder, by its absolute path or as it was given."""
    return text.replace(str(before.absolute()), str(after.absolute())).replace(str(before), str(after))


def _raise_curve(path: Path, rise: float) -> None:
    """Write a file of TensorBoard again, with other values of ``val/loss``."""
    events = list(LegacyEventFileLoader(str(path)).Load())
    for value in _values(events):
        if value.tag == "val/loss":
            value.simple_value += rise
    with path.open("wb") as file:
        writer = RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString())


def _values(events: list[Any]) -> Iterator[Any]:
    for event in events:
        yield from event.summary.value
