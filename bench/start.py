"""From the command to the first training step: ``python bench/start.py [KEY=VALUE ...]``, in the project's folder.

Runs ``python src/train.py`` as shipped, with the given overrides and for one step, and reads from TensorBoard's event
file when the data were ready and when the first step was done. The first run warms up the caches; then several runs
take turns with a process that only imports torch. Medians, in seconds.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.progress import track
from tables import save
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from tang.tables import markdown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="as for src/train.py")
    parser.add_argument("--repeats", type=int, default=5, help="runs that are timed")
    options = parser.parse_args()
    first_step(options.overrides)
    turns = [(torch(), *first_step(options.overrides)) for _ in track(range(options.repeats), "Starting")]
    imported, ready, stepped = (statistics.median(times) for times in zip(*turns, strict=True))
    seconds = {
        "importing torch alone": imported,
        "command to data and model": ready,
        "command to first step": stepped,
        "beyond importing torch": statistics.median(stepped - imported for imported, _, stepped in turns),
    }
    table = markdown([{"what": what, "seconds": f"{value:.2f}"} for what, value in seconds.items()])
    findings = {"overrides": options.overrides, "repeats": options.repeats, "seconds": seconds}
    save("start", "cpu", findings, table)


def torch() -> float:
    """Seconds from the command until torch is imported, in a process that does nothing else."""
    begin = time.time()
    command = [sys.executable, "-c", "import time, torch; print(time.time())"]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) - begin


def first_step(overrides: list[str]) -> tuple[float, float]:
    """Seconds from the command to the corpus card, logged when data and model are ready, and to the first loss.

    Raises:
        RuntimeError: the run failed; the message has its stderr.
    """
    with tempfile.TemporaryDirectory() as folder:
        once = ["trainer.max_steps=1", "trainer.log_every_n_steps=1", f"hydra.run.dir={folder}"]
        begin = time.time()
        run = subprocess.run([sys.executable, "src/train.py", *overrides, *once], capture_output=True, encoding="utf-8")
        if run.returncode:
            raise RuntimeError(run.stderr)
        written = {
            value.tag: event.wall_time - begin
            for file in sorted(Path(folder).glob("events*"))
            for event in EventFileLoader(str(file)).Load()
            for value in event.summary.value
        }
    return written["corpus/text_summary"], written["train/loss"]


if __name__ == "__main__":
    main()
