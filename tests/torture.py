"""Kills training runs again and again, and tells whether they end as if they hadn't been: ``make torture``.

A run is started as a user would, killed with SIGKILL at a random moment, every second time while a checkpoint is
being written, and resumed, until it has come to its end; then the next. Between all deaths its checkpoint must be
whole, and at the end weights, states and all logged points must be those of a run that was left alone, bit for bit.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tang import checkpoint
from tang.errors import InputError
from tang.tasks.language_model import LanguageModel
from tests.commands import ONE_THREAD, script
from tests.conftest import verses
from tests.resuming import curves, differences, state

SETTINGS = [
    *("data=text", "data.path=poems.txt", "data.min_count=1", "data.batch_size=32", "model.hidden_size=128"),
    *("trainer.accelerator=cpu", "trainer.max_epochs=4", "trainer.log_every_n_steps=1"),
    *("scheduler=plateau", "trainer.val_check_interval=0.5", "callbacks.checkpoint.minutes=0.001"),
]
"""A checkpoint every 60 ms."""

SECONDS = 4
"""From the start of training to its end on a machine that isn't busy; a kill comes within."""


@dataclass
class Tally:
    """The results of all kills and runs."""

    kills: int = 0
    while_writing: int = 0  # kills that came while ``last.ckpt`` was being written
    runs: int = 0  # runs that came to their end
    identical: int = 0  # runs that equal the one that was never killed
    differences: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)  # checkpoints that couldn't be read after a kill

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.while_writing} of them while a checkpoint was being written; "
            f"{len(self.broken)} checkpoints broken; {self.runs} runs came to their end, {self.identical} of them "
            "with the weights, states and curves of a run that was left alone, bit for bit"
        )


def torture(folder: Path, kills: int, seed: int = 1, settings: Sequence[str] = SETTINGS) -> Tally:
    """Kill that many times; the last run is left to come to its end.

    Args:
        folder: to work in, empty.
        kills: how many.
        seed: of the moments.
        settings: of the run.
    """
    (folder / "poems.txt").write_text("\n".join(verses(400)), encoding="utf-8")
    random_moment = random.Random(seed)
    _run(folder, "whole", settings).wait()
    whole = curves(folder / "whole"), state(folder / "whole")
    tally = Tally()
    while tally.kills < kills or not tally.runs:
        run = folder / f"run{tally.runs}"
        while not (run / "result.json").exists():
            (run / ".lock").unlink(missing_ok=True)  # there again when training begins
            process = _run(folder, run.name, settings)
            if tally.kills < kills:
                staged = run / "checkpoints" / ".last.ckpt.part"
                _await(process, run / ".lock", random_moment.uniform(0, SECONDS))
                if tally.kills % 2 == 0:
                    _catch(process, staged)
                if process.poll() is None:
                    process.kill()
                    process.wait()  # its files are as they will stay
                    tally.kills += 1
                    tally.while_writing += staged.exists()
                    _check(run, tally)
            if process.wait() > 0:
                raise RuntimeError((folder / f"{run.name}.log").read_text(encoding="utf-8"))
        tally.runs += 1
        different = differences(whole, (curves(run), state(run)))
        tally.identical += not different
        tally.differences += different
        print(tally, flush=True)
    return tally


def _await(process: subprocess.Popen[bytes], file: Path, seconds: float = 0) -> None:
    """Until there is such a file and then for so long, or until the process has ended."""
    while process.poll() is None and not file.exists():
        time.sleep(0.0002)
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.0002)


def _catch(process: subprocess.Popen[bytes], file: Path) -> None:
    """Halt the process while there is such a file, if it doesn't end before."""
    while process.poll() is None:
        _await(process, file)
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.002)  # until it stands still
        if file.exists():
            return
        process.send_signal(signal.SIGCONT)


def _run(folder: Path, name: str, settings: Sequence[str]) -> subprocess.Popen[bytes]:
    has_begun = (folder / name / ".hydra" / "config.yaml").exists()
    arguments = [f"resume={name}"] if has_begun else [*settings, f"hydra.run.dir={name}"]
    with (folder / f"{name}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, script("train"), *arguments],
            cwd=folder,
            env={**os.environ, **ONE_THREAD},
            stdout=log,
            stderr=log,
        )


def _check(run: Path, tally: Tally) -> None:
    for path in (run / "checkpoints").glob("*.ckpt"):
        try:
            checkpoint.load(path, LanguageModel)  # checks the whole file
        except InputError as error:
            tally.broken.append(str(error))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with TemporaryDirectory() as place:
        result = torture(Path(place), asked.kills, asked.seed)
    print("\n".join([*result.differences, *result.broken]))
    sys.exit(bool(result.differences or result.broken))
