"""What a sweep's folder with many finished runs costs: ``python bench/runs.py``, in the project's folder.

Makes sweeps of 10, 100 and 1,000 runs, see ``made.py``; then processes take turns that do with each:

============  =====================================================================
table         write ``summary.md`` and ``summary.csv``, as a sweep does at its end
report        ``python src/report.py dir=SWEEP``
resume        ``python src/train.py -m resume=SWEEP``, which finds all runs done
ckpt=latest   ``python src/sample.py ckpt=latest``, which finds the best run
TensorBoard   ``tensorboard --logdir outputs``, until it has the curves of all runs
============  =====================================================================

Medians.
"""

import json
import socket
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import machine
from made import ROOT, make_sweep
from processes import Cost, cost
from rich.console import Console
from rich.progress import track
from tables import options_for, save, spread
from tiny import tiny

from tang.runs.sweep import SweepFolder
from tang.sweeps.processes import make_importable
from tang.tables import markdown

SWEEP = Path("outputs/sweeps/made")

TABLE = f"""
from pathlib import Path
from tang.runs.sweep import SweepFolder
from tang.sweeps.summary import write_summary
write_summary(SweepFolder(Path("{SWEEP}")))
"""

COMMANDS = {
    "table": ["-c", TABLE],
    "report": [f"{ROOT}/src/report.py", f"dir={SWEEP}"],
    "resume": [f"{ROOT}/src/train.py", "-m", f"resume={SWEEP}"],
    "ckpt=latest": [f"{ROOT}/src/sample.py", "ckpt=latest"],
}


def main() -> None:
    parser = options_for("What a sweep's folder with many finished runs costs.", repeats=3)
    parser.add_argument("--sizes", default="10,100,1000", help="runs: 10, 20, 30, 40, or multiples of 50")
    options = parser.parse_args()
    device = machine.pick_device(options.device)
    make_importable()
    sizes = [int(size) for size in options.sizes.split(",")]
    costs: dict[str, dict[int, list[Cost]]] = {}
    with tempfile.TemporaryDirectory() as place:
        folders = {size: Path(place, str(size)) for size in sizes}
        for size, folder in folders.items():
            folder.mkdir()
            make_sweep(folder / SWEEP, size, tiny(Path(place), device, options.text))
        for _ in track(range(options.repeats), "Turns", console=Console(stderr=True)):
            for size, folder in folders.items():
                for name, measure in measurements(folder, size).items():
                    costs.setdefault(name, {}).setdefault(size, []).append(measure())
                assert len(SweepFolder(folder / SWEEP).run_folders()) == size, "resume has found all runs done"
    rows = {name: {str(size): figures(found) for size, found in by_size.items()} for name, by_size in costs.items()}
    table = markdown([shown(name, row) for name, row in rows.items()])
    save("runs", device, {"repeats": options.repeats, "sizes": sizes, "rows": rows}, table)


def measurements(folder: Path, runs: int) -> dict[str, Callable[[], Cost]]:
    """Name → what is measured, in a folder with a sweep of so many runs."""

    def of(command: list[str]) -> Callable[[], Cost]:
        return lambda: cost(command, folder)

    return {
        **{name: of(command) for name, command in COMMANDS.items()},
        "TensorBoard": lambda: tensorboard(folder, runs),
    }


def tensorboard(folder: Path, runs: int) -> Cost:
    """Start TensorBoard on the outputs in a folder, and wait until it has ``val/loss`` of so many runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def has_all() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/data/plugin/scalars/tags") as answer:
                curves = json.load(answer)
        except OSError:  # it isn't there yet
            return False
        return sum("val/loss" in tags for tags in curves.values()) == runs

    return cost(["-m", "tensorboard.main", "--logdir=outputs", f"--port={port}"], folder, has_all)


def figures(costs: list[Cost]) -> dict[str, Any]:
    """Spread of each figure."""
    return {name: spread(values) for name, values in zip(Cost._fields, zip(*costs, strict=True), strict=True)}


def shown(name: str, row: dict[str, Any]) -> dict[str, str]:
    """A row of the printed table: seconds at each size, what another run adds to those of a core, and the memory."""
    first, *_, last = row
    more = row[last]["core_seconds"]["median"] - row[first]["core_seconds"]["median"]
    return {
        "": name,
        **{f"{int(size):,} runs, s": f"{found['seconds']['median']:.1f}" for size, found in row.items()},
        "a run, ms of a core": f"{1000 * more / max(1, int(last) - int(first)):.1f}",
        **{f"{int(size):,} runs, MiB": f"{found['memory']['median']:,.0f}" for size, found in row.items()},
    }


if __name__ == "__main__":
    main()
