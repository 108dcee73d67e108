"""Overhead of Lightning, data loading, logging and callbacks: ``python bench/overhead.py [KEY=VALUE ...]``.

Trains the config of ``src/train.py`` with the given overrides in a plain loop (*bare*) and as shipped. Each measurement
is a process of its own, and both take turns.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import machine
import ours
from tables import in_turns, options_for, save, shown, source, spread

from tang.tables import markdown


def main() -> None:
    parser = options_for("Overhead of this project's training over its bare step.", repeats=5)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="as for src/train.py")
    parser.add_argument("--steps", type=int, default=100, help="steps that are timed")
    parser.add_argument("--warmup", type=int, default=10, help="steps before them")
    options = parser.parse_args()
    device = machine.pick_device(options.device)
    with tempfile.TemporaryDirectory() as folder:
        overrides = [*source(options), f"trainer.accelerator={device}", *options.overrides]
        work = ours.planned(overrides, Path(folder), 0, device)
        work = replace(work, warmup=options.warmup, steps=options.steps)
        (results,) = in_turns([{"bare": ("bare", work), "shipped": ("shipped", work)}], options.repeats)
    speeds = {name: spread([turn["tokens_per_second"] for turn in turns]) for name, turns in results.items()}
    steps = {name: spread([turn["milliseconds"] for turn in turns]) for name, turns in results.items()}
    ratio = speeds["shipped"]["median"] / speeds["bare"]["median"]
    table = [
        {"": name, "tokens/s (min–max)": shown(speed), "ms a step": f"{steps[name]['median']:.1f}"}
        for name, speed in speeds.items()
    ]
    about = (
        f"E = {work.embedding_size}, H = {work.hidden_size}, L = {work.num_layers}, batches of {work.batch_size}, "
        f"dropout {work.dropout:g}, vocabulary {work.vocabulary_size:,}; medians of {options.repeats} turns. "
        f"Shipped is {100 * ratio:.1f} % of bare."
    )
    findings = {"overrides": options.overrides, "tokens_per_second": speeds, "milliseconds": steps, "ratio": ratio}
    save("overhead", device, findings, f"{about}\n\n{markdown(table)}")


if __name__ == "__main__":
    main()
