"""What a job of a sweep costs beside its training: ``python bench/jobs.py [--jobs 200]``, in the project's folder.

Runs sweeps whose trainings take a fraction of a second: one job after the other, and two at once. Where the seconds of
a job go is read from the times of its files and messages:

=================  ===========================================================================
between jobs       the one before ends; Hydra composes the config, its files are written
start              a process is forked, and reads its config
data, model        both are made, and Lightning's Trainer
training           an epoch, its validation, samples and checkpoints
test               with the best checkpoint
=================  ===========================================================================

Before the first job Hydra composes all configs; the first waits for the imports of the fork server, and prepares the
corpus.
"""

import statistics
import tempfile
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import machine
from made import ROOT
from processes import cost
from rich.console import Console
from rich.progress import track
from tables import options_for, save
from tiny import tiny

from tang.runs.run import RunFolder
from tang.runs.sweep import SweepFolder
from tang.tables import markdown

LAUNCHERS = {"one at a time": [], "two at once": ["hydra/launcher=gpus", "hydra.launcher.n_jobs=2"]}

STAGES = {  # What has been done when a message comes
    "start": "",  # the first
    "data, model": "Loading `train_dataloader`",
    "training": "`Trainer.fit` stopped",
    "test": "training ended",
}


def main() -> None:
    parser = options_for("What a job of a sweep costs beside its training.", repeats=1)
    parser.add_argument("--jobs", type=int, default=200)
    options = parser.parse_args()
    device = machine.pick_device(options.device)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in LAUNCHERS}
    for _ in track(range(options.repeats), "Sweeps", console=Console(stderr=True)):
        for at_once, (name, launcher) in enumerate(LAUNCHERS.items(), 1):
            with tempfile.TemporaryDirectory() as place:
                given = [*tiny(Path(place), device, options.text), "trainer.max_epochs=1", *launcher]
                found[name].append(sweep(Path(place, "sweep"), given, options.jobs, at_once))
    rows = {
        name: {what: statistics.median(turn[what] for turn in turns) for what in turns[0]}
        for name, turns in found.items()
    }
    names = list(rows["one at a time"])
    table = markdown([{"seconds": what, **{name: f"{row[what]:.2f}" for name, row in rows.items()}} for what in names])
    about = f"{options.jobs} jobs; the last four rows are medians over all jobs but the first."
    save("jobs", device, {"jobs": options.jobs, "rows": rows}, f"{about}\n\n{table}")


def sweep(folder: Path, given: list[str], jobs: int, at_once: int) -> dict[str, float]:
    """Run a sweep of so many jobs in a new folder; its seconds.

    Raises:
        RuntimeError: the sweep failed; the message has its stderr.
    """
    command = [f"{ROOT}/src/train.py", "-m", *given, f"seed=range({jobs})", f"hydra.sweep.dir={folder}"]
    begin = time.time()
    took, core, _ = cost(command, folder.parent)
    spans = sorted(moments(run) for run in SweepFolder(folder).run_folders())
    (first, *_, warm), last = spans[0], max(span[-1] for span in spans)
    steps = zip(*([after - before for before, after in pairwise(span)] for span in spans[1:]), strict=True)
    idle = at_once * (last - warm) - sum(span[-1] - max(span[0], warm) for span in spans[1:])
    return {
        "all": took,
        "all, a job": took / jobs,
        "of a core, a job": core / jobs,
        "before the first job": first - begin,
        "the first job": warm - first,
        "between jobs": idle / (jobs - 1),
        **dict(zip(STAGES, map(statistics.median, steps), strict=True)),
    }


def moments(run: RunFolder) -> list[float]:
    """When a job's config was written, and each of :data:`STAGES` done, in seconds since 1970."""
    lines = [line.partition(" INFO ") for line in run.log.read_text(encoding="utf-8").splitlines()]
    said = [(datetime.strptime(when, "%Y-%m-%d %H:%M:%S,%f").timestamp(), what) for when, info, what in lines if info]
    return [
        run.overrides.stat().st_mtime,
        *(next(when for when, what in said if words in what) for words in STAGES.values()),
    ]


if __name__ == "__main__":
    main()
