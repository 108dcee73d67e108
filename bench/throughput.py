"""Training speed side by side: common practice against this project, in tokens per second without padding.

``python bench/throughput.py`` from the project's folder. Each measurement is a process of its own, and
the variants take turns, so that a busy moment of the machine affects all of them. All train the same network
with Adam on the same poems, the 全唐诗 cut at 100 characters:

=========  ==========================================================================================
plain      nn.Embedding, nn.LSTM, nn.Linear in float32; a DataLoader of shuffled poems padded to 100
bucketed   the plain loop with this project's batches
autocast   bucketed under torch.autocast to bfloat16; left out where nn.LSTM can't, as on x86 without AVX-512
bare       this project's step in a plain loop
shipped    this project's training as shipped: Lightning, logger, callbacks, progress bar
=========  ==========================================================================================

A token is a character to predict; padding isn't one. Training on one takes, in FLOP,

    3 · (8H(E+H) + 16H²(L−1) + 2HV),

see ``machine.training_flop``. The share of the GEMM rate is this times tokens per second, divided by the
rate of large matmuls in the variant's dtype, measured in the same turns. The share of the floor takes the rates at
the model's own shapes instead: that of the recurrent step for the sequential part, that of the head for the rest.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import machine
import ours
from measure import VARIANTS
from tables import in_turns, options_for, save, shown, source, spread
from work import Work

from tang.kernels.hardware import BF16_MIXED, torch_trains_lstm
from tang.tables import markdown

LENGTH = 100
"""Characters after which poems are cut."""

OTHERS = ("plain", "bucketed", "autocast")
"""Variants of common practice, to which all are compared."""

WITHOUT_AUTOCAST = "Without autocast: PyTorch's own LSTM has no bfloat16 on this CPU."


def main() -> None:
    options = parse()
    device = machine.pick_device(options.device)
    sizes = [(h, layers, b) for b in options.batch_size for layers in options.layers for h in options.sizes]
    with tempfile.TemporaryDirectory() as folder:
        works = [ours.planned(overrides(options, device, *each), Path(folder), LENGTH, device) for each in sizes]
        works = [replace(work, warmup=options.warmup, steps=options.steps) for work in works]
        if not options.steps:
            rate = machine.gemm_rates({"large": machine.LARGE[device]}, device)["large float32"]
            works = [work.lasting(options.seconds, rate) for work in works]
        kinds = available(device)
        if options.profile:
            save_profiles(works, device, [what for what in ("autocast", "bare") if what in kinds])
            return
        results = in_turns([{what: (what, work) for what in ("gemm", *kinds)} for work in works], options.repeats)
    rows = [summary(work, result) for work, result in zip(works, results, strict=True)]
    save("throughput", device, {"length": LENGTH, "rows": rows}, tables(works, rows))


def available(device: str) -> list[str]:
    """The variants that ``device`` can compute."""
    has_autocast = device != "cpu" or torch_trains_lstm(BF16_MIXED)
    return [what for what in (*VARIANTS, "shipped") if has_autocast or what != "autocast"]


def parse() -> argparse.Namespace:
    def numbers(text: str) -> list[int]:
        return [int(number) for number in text.split(",")]

    parser = options_for("Training speed side by side, in real tokens per second.", repeats=3)
    parser.add_argument("--sizes", type=numbers, default=[128, 256, 512, 1024], help="E = H, e.g. 256,512")
    parser.add_argument("--layers", type=numbers, default=[1, 2])
    parser.add_argument("--batch_size", type=numbers, default=[64], help="poems in a batch, e.g. 64,1024")
    parser.add_argument(
        "--seconds", type=float, default=4.0, help="approximate time of the bucketed training after the warm-up"
    )
    parser.add_argument("--steps", type=int, default=0, help="number of timed steps, in place of --seconds")
    parser.add_argument(
        "--warmup", type=int, choices=range(1, 100), default=2, metavar="N", help="untimed steps before them"
    )
    parser.add_argument("--profile", action="store_true", help="profile a step by operation, in place of speeds")
    return parser.parse_args()


def overrides(options: argparse.Namespace, device: str, size: int, layers: int, batch_size: int) -> list[str]:
    """Overrides of the shipped config: sizes, and no dropout."""
    return [
        *(source(options) or ["data=tang"]),
        f"data.max_length={LENGTH}",
        f"data.batch_size={batch_size}",
        f"model.hidden_size={size}",
        f"model.num_layers={layers}",
        "model.dropout=0",
        f"trainer.accelerator={device}",
    ]


def summary(work: Work, results: dict[str, list[Any]]) -> dict[str, Any]:
    """Medians over the turns, ratios of medians, shares of the machine's rates."""
    rates = {name: spread([turn[name] for turn in results["gemm"]]) for name in results["gemm"][0]}
    kinds = [what for what in results if what != "gemm"]
    dtypes = dict.fromkeys(kinds, work.matmul_dtype)
    dtypes |= {"plain": "float32", "bucketed": "float32", "autocast": "bfloat16"}
    speeds = {what: spread([turn["tokens_per_second"] for turn in results[what]]) for what in kinds}
    variants = {
        what: {
            "format": dtypes[what],
            "tokens_per_second": speeds[what],
            "milliseconds": spread([turn["milliseconds"] for turn in results[what]]),
            "memory": spread([turn["memory"] for turn in results[what]]),
            "ratios": {other: speeds[what]["median"] / speeds[other]["median"] for other in OTHERS if other in kinds},
            "share_of_gemm": speeds[what]["median"] * work.flop / rates[f"large {dtypes[what]}"]["median"],
            "share_of_floor": speeds[what]["median"] * floor(work, rates, dtypes[what]),
        }
        for what in kinds
    }
    return {
        "embedding_size": work.embedding_size,
        "hidden_size": work.hidden_size,
        "num_layers": work.num_layers,
        "tie_weights": work.tie_weights,
        "dropout": work.dropout,
        "vocabulary_size": work.vocabulary_size,
        "batch_size": work.batch_size,
        "steps": work.steps,
        "flop_per_token": work.flop,
        "backend": work.backend,
        "precision": work.precision,
        "gemm": rates,
        "variants": variants,
    }


def floor(work: Work, rates: dict[str, dict[str, Any]], dtype: str) -> float:
    """Seconds that a token's matmuls take at the rates of the model's own shapes."""
    stepping = machine.stepping_flop(work.hidden_size, work.num_layers)
    head, step = (rates[f"{shape} {dtype}"]["median"] for shape in ("head", "step"))
    return stepping / float(step) + (work.flop - stepping) / float(head)


def tables(works: Sequence[Work], rows: Sequence[dict[str, Any]]) -> str:
    """Speeds and matmul rates as two Markdown tables, under a line on what all rows share."""
    work = works[0]
    speeds = [
        {
            "E = H": row["hidden_size"],
            "L": row["num_layers"],
            "B": row["batch_size"],
            "": what,
            "tokens/s (min–max)": shown(variant["tokens_per_second"]),
            **{f"× {other}": f"{ratio:.2f}" for other, ratio in variant["ratios"].items()},
            "MiB": f"{variant['memory']['median']:,.0f}",
            "% of GEMM": f"{100 * variant['share_of_gemm']:.0f}",
            "% of floor": f"{100 * variant['share_of_floor']:.0f}",
        }
        for row in rows
        for what, variant in row["variants"].items()
    ]
    rates = [
        {
            "E = H": row["hidden_size"],
            "L": row["num_layers"],
            "B": row["batch_size"],
            "MFLOP a token": f"{row['flop_per_token'] / 1e6:.1f}",
            **{f"{name}, GFLOP/s": f"{rate['median'] / 1e9:,.0f}" for name, rate in row["gemm"].items()},
        }
        for row in rows
    ]
    missing = "" if "autocast" in rows[0]["variants"] else f" {WITHOUT_AUTOCAST}"
    tied = "the head's weight is the embedding" if work.tie_weights else "the head has its own weight"
    return (
        f"Training on poems cut at {LENGTH} characters, vocabulary {work.vocabulary_size:,}, dropout {work.dropout:g}, "
        f"{tied}. Real tokens a second, medians of {rows[0]['variants']['plain']['memory']['runs']} turns.{missing}\n\n"
        f"{markdown(speeds)}\n\nMatmul rates, medians of the same turns:\n\n{markdown(rates)}"
    )


def save_profiles(works: Sequence[Work], device: str, kinds: Sequence[str]) -> None:
    """Save profiles of a step of each of ``kinds``."""
    results = in_turns([{what: (f"{what} profile", work) for what in kinds} for work in works], 1)
    texts = [
        f"## {what}, E = H = {work.hidden_size}, L = {work.num_layers}, B = {work.batch_size}\n\n"
        + markdown(result[what][0]["operations"])
        for work, result in zip(works, results, strict=True)
        for what in kinds
    ]
    texts += [] if "autocast" in kinds else [WITHOUT_AUTOCAST]
    save("profile", device, {"profiles": results}, "\n\n".join(texts))


if __name__ == "__main__":
    main()
