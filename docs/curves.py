"""Draw the validation curves of a sweep: ``python docs/curves.py outputs/sweeps/DATE_TIME docs/curves.png``."""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tang.runs.sweep import SweepFolder


def main(sweep: Path, picture: Path) -> None:
    """One line a run, named by what varied."""
    figure, (loss, ppl) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    finished = (run.folder.path for run in SweepFolder(sweep).runs() if run.result)
    for number, run in enumerate(sorted(finished)):
        events = EventAccumulator(str(run), size_guidance={"scalars": 0})
        events.Reload()
        name, color = run.name.partition("_")[2], f"C{number}"
        for axes, tag, style in ((loss, "train/loss", ":"), (loss, "val/loss", "o-"), (ppl, "val/ppl", "o-")):
            points = events.Scalars(tag)
            part = tag.partition("/")[0]
            axes.plot([p.step for p in points], [p.value for p in points], style, color=color, label=f"{name}, {part}")
    loss.set(xlabel="step", ylabel="loss (nats a token)")
    ppl.set(xlabel="step", ylabel="perplexity")
    for axes in (loss, ppl):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(picture, dpi=120)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
