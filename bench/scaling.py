"""Cost of scaling: speed, memory and time of an epoch as one factor grows and the others stay.

``python bench/scaling.py`` from the project's folder. Around E = H = 256, one layer and batches of 64 poems of the
全唐诗, hidden size, layers, vocabulary, corpus and batch size are varied, one at a time. Each is measured as
shipped and as the bare step, without Lightning, in a process of its own. In a smaller
vocabulary, rare characters become <unk>.

Training on a token takes 3 · (8H(E+H) + 16H²(L−1) + 2HV) FLOP, see ``machine.training_flop``; the share of the
GEMM rate is that times tokens per second, divided by the rate of large matmuls in the same dtype.
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import machine
import ours
from tables import Jobs, in_turns, options_for, save, shown, source, spread
from work import Work

from tang.tables import markdown

BASE: dict[str, float] = {"H": 256, "L": 1, "min_count": 2, "corpus": 1.0, "B": 64}
"""E = H, layers, minimum count of a character, share of the training poems, batch size."""

VARIED: dict[str, list[float]] = {
    "H": [128, 512, 1024],
    "L": [2, 3],
    "min_count": [1, 20, 200],
    "corpus": [0.25, 0.5],
    "B": [16, 256],
}


def main() -> None:
    parser = options_for("Speed, memory and time of an epoch, one factor varied at a time.", repeats=1)
    parser.add_argument("--sizes", type=lambda text: [float(number) for number in text.split(",")], default=VARIED["H"])
    parser.add_argument("--factors", default=",".join(VARIED), help="which to vary, e.g. H,L")
    parser.add_argument("--seconds", type=float, default=3.0, help="approximate time of the bare training, at most")
    parser.add_argument("--steps", type=int, default=0, help="number of timed steps, in place of --seconds")
    options = parser.parse_args()
    device = machine.pick_device(options.device)
    varied = {**VARIED, "H": options.sizes}
    points = [BASE, *({**BASE, factor: value} for factor in options.factors.split(",") for value in varied[factor])]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = source(options) or ["data=tang"]
        poems = ours.planned(corpus, folder, 0, device).poems
        works = [ours.planned([*corpus, *overrides(point, poems, device)], folder, 0, device) for point in points]
        rate = machine.gemm_rates({"large": machine.LARGE[device]}, device)[f"large {works[0].matmul_dtype}"]
        works = [replace(work, warmup=5 if device == "cpu" else 50) for work in works]
        works = [replace(w, steps=options.steps) if options.steps else w.lasting(options.seconds, rate) for w in works]
        jobs: Jobs = {"gemm": ("gemm", works[0])}
        for number, work in enumerate(works):
            jobs |= {f"{what} {number}": (what, work) for what in ("bare", "shipped")}
        (results,) = in_turns([jobs], options.repeats)
    rate = spread([turn[f"large {works[0].matmul_dtype}"] for turn in results["gemm"]])["median"]
    rows = [
        row(point, work, rate, *(results[f"{what} {number}"] for what in ("bare", "shipped")))
        for number, (point, work) in enumerate(zip(points, works, strict=True))
    ]
    first = works[0]
    findings = {"backend": first.backend, "precision": first.precision, "gemm": rate, "rows": rows}
    about = (
        f"Training as shipped (model.backend={first.backend} trainer.precision={first.precision}) without dropout, the "
        f"head's weight the embedding; medians of {options.repeats}. Large {first.matmul_dtype} matmuls: "
        f"{rate / 1e9:,.0f} GFLOP/s."
    )
    save("scaling", device, findings, f"{about}\n\n{markdown([shown_row(each) for each in rows])}")


def overrides(point: dict[str, float], poems: int, device: str) -> list[str]:
    """Overrides of the shipped config for a point."""
    return [
        f"data.min_count={point['min_count']:.0f}",
        f"data.max_train={max(1, round(point['corpus'] * poems))}",
        f"data.batch_size={point['B']:.0f}",
        f"model.hidden_size={point['H']:.0f}",
        f"model.num_layers={point['L']:.0f}",
        "model.dropout=0",
        f"trainer.accelerator={device}",
    ]


def row(
    point: dict[str, float], work: Work, rate: float, bare: list[dict[str, float]], shipped: list[dict[str, float]]
) -> dict[str, Any]:
    """The measurements of a point."""
    speed = spread([turn["tokens_per_second"] for turn in shipped])
    step = spread([turn["tokens_per_second"] for turn in bare])
    return {
        **point,
        "vocabulary_size": work.vocabulary_size,
        "poems": work.poems,
        "flop_per_token": work.flop,
        "steps": work.steps,
        "tokens_per_second": speed,
        "bare_tokens_per_second": step,
        "lightning": speed["median"] / step["median"],
        "share_of_gemm": speed["median"] * work.flop / rate,
        "epoch_seconds": work.tokens / speed["median"],
        "memory": spread([turn["memory"] for turn in shipped]),
    }


def shown_row(row: dict[str, Any]) -> dict[str, str]:
    """A row of the printed table."""
    return {
        "E = H": f"{row['H']:.0f}",
        "L": f"{row['L']:.0f}",
        "V": f"{row['vocabulary_size']:,}",
        "poems": f"{row['poems']:,}",
        "B": f"{row['B']:.0f}",
        "MFLOP a token": f"{row['flop_per_token'] / 1e6:.1f}",
        "tokens/s (min–max)": shown(row["tokens_per_second"]),
        "of the bare step": f"{100 * row['lightning']:.0f} %",
        "of GEMM": f"{100 * row['share_of_gemm']:.0f} %",
        "s an epoch": f"{row['epoch_seconds']:,.0f}",
        "MiB": f"{row['memory']['median']:,.0f}",
    }


if __name__ == "__main__":
    main()
