"""A report's small training on five-character stanzas against this project's, with the same model and batch size.

``python bench/stanzas.py`` from the project's folder. ``experiment=report_e`` defines the training: E = 100,
H = 128, two layers, batches of 32 stanzas of one length, Adam, clipping at 1.

=======  ====================================================================================
report   the report's own loop: plain PyTorch, nn.LSTM, a DataLoader, float32
bare     this project's step in a plain loop
shipped  this project's training as shipped: Lightning, logger, callbacks, progress bar
float32  as shipped, with trainer.precision=32-true
=======  ====================================================================================

Each measurement is a process of its own, and they take turns.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import machine
import ours
from tables import Jobs, in_turns, options_for, save, shown, source, spread

from tang.tables import markdown

TARGETS = 25
"""Targets in a stanza: four lines of five characters and a mark, and the end."""


def main() -> None:
    parser = options_for("Five-character stanzas: a report's loop against this project's.", repeats=3)
    parser.add_argument("--steps", type=int, default=100, help="steps that are timed")
    parser.add_argument("--warmup", type=int, default=20, help="steps before them")
    options = parser.parse_args()
    device = machine.pick_device(options.device)
    with tempfile.TemporaryDirectory() as folder:
        overrides = ["experiment=report_e", *source(options), f"trainer.accelerator={device}"]
        work = ours.planned(overrides, Path(folder), TARGETS, device)
        work = replace(work, warmup=options.warmup, steps=options.steps)
        float32 = replace(work, overrides=(*work.overrides, "trainer.precision=32-true"))
        jobs: Jobs = {
            "report": ("plain", work),
            "bare": ("bare", work),
            "shipped": ("shipped", work),
            "float32": ("shipped", float32),
        }
        (results,) = in_turns([jobs], options.repeats)
    speeds = {name: spread([turn["tokens_per_second"] for turn in turns]) for name, turns in results.items()}
    rows = {
        name: {
            "tokens_per_second": speed,
            "milliseconds": spread([turn["milliseconds"] for turn in results[name]]),
            "memory": spread([turn["memory"] for turn in results[name]]),
            "epoch_seconds": work.tokens / speed["median"],
            "ratio": speed["median"] / speeds["report"]["median"],
        }
        for name, speed in speeds.items()
    }
    table = [
        {
            "": name,
            "tokens/s (min–max)": shown(row["tokens_per_second"]),
            "× report": f"{row['ratio']:.2f}",
            "ms a step": f"{row['milliseconds']['median']:.1f}",
            "s an epoch": f"{row['epoch_seconds']:.1f}",
            "MiB": f"{row['memory']['median']:,.0f}",
        }
        for name, row in rows.items()
    ]
    about = (
        f"E = {work.embedding_size}, H = {work.hidden_size}, L = {work.num_layers}, batches of {work.batch_size}, "
        f"vocabulary {work.vocabulary_size:,}, {work.tokens:,} tokens an epoch; medians of {options.repeats} turns."
    )
    findings = {"tokens": work.tokens, "backend": work.backend, "precision": work.precision, "rows": rows}
    text = f"{about} Shipped is model.backend={work.backend} trainer.precision={work.precision}."
    save("stanzas", device, findings, f"{text}\n\n{markdown(table)}")


if __name__ == "__main__":
    main()
