"""What pruning saves a search, and what it costs: ``python bench/search.py``.

The same search of small models on quatrains, with several seeds: without pruning, with the median pruner and with
hyperband. Epochs trained are the measure that no other work on the machine disturbs; minutes are the runs' own, summed.
Run it again after a stop: a search goes on where it was.
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from tables import save

from tang.runs.sweep import SweepFolder
from tang.tables import markdown

TASK = [
    "data=quatrains",
    "data.max_train=3000",
    "data.max_val=500",
    "trainer.max_epochs=6",
    "model.hidden_size=32,64,128",
]
PRUNERS = ("none", "median", "hyperband")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folder", default="outputs/bench_search", help="where the searches go")
    parser.add_argument("task", nargs="*", default=TASK, help="overrides of every run")
    options = parser.parse_args()
    rows = []
    for seed in range(1, options.seeds + 1):
        for pruner in PRUNERS:
            folder = Path(options.folder, f"{seed}_{pruner}")
            run(folder, seed, pruner, options.trials, options.task)
            rows.append({"seed": seed, "pruner": pruner, **outcome(SweepFolder(folder))})
    means = [{"pruner": pruner, **mean([row for row in rows if row["pruner"] == pruner])} for pruner in PRUNERS]
    save(
        "search",
        "cpu",
        {"trials": options.trials, "task": options.task, "rows": rows},
        f"{table(rows)}\n\n{table(means)}",
    )


def run(folder: Path, seed: int, pruner: str, trials: int, task: list[str]) -> None:
    """Run a search up to so many trials."""
    missing = trials - len([run for run in SweepFolder(folder).runs() if run.status != "unfinished"])
    if missing:
        search = ["hydra/sweeper=optuna", f"hydra.sweep.dir={folder}", f"hydra.sweeper.n_trials={trials}"]
        settings = [f"hydra.sweeper.seed={seed}", f"hydra.sweeper.pruner={pruner}", f"seed={seed}"]
        subprocess.run([sys.executable, "src/train.py", "-m", *search, *settings, *task], check=False)


def outcome(folder: SweepFolder) -> dict[str, Any]:
    """What a search came to, and what it took."""
    runs = folder.runs()
    results = [run.result for run in runs if run.result]
    return {
        "best val/loss": min(run.loss for run in runs if run.loss is not None),
        "epochs": sum(result.epochs for result in results),
        "minutes": sum(result.minutes for result in results),
        "pruned": sum(run.is_pruned for run in runs),
        "diverged": sum(run.has_diverged for run in runs),
    }


def mean(rows: list[dict[str, Any]]) -> dict[str, float]:
    """The means over seeds."""
    return {name: statistics.fmean(row[name] for row in rows) for name in rows[0] if name not in ("seed", "pruner")}


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    digits = {"best val/loss": 4, "minutes": 1}
    shown = [
        {k: f"{v:.{digits.get(k, 0)}f}" if isinstance(v, float) else str(v) for k, v in row.items()} for row in rows
    ]
    return markdown(shown)


if __name__ == "__main__":
    main()
