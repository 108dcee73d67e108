"""Sampling speed in characters a second: ``python bench/sampling.py`` from the project's folder.

A network of the given sizes with random weights (``--ckpt``: a trained one) samples 七言绝句 as ``src/sample.py`` does,
in batches of 1, 8, 64 and 256 poems, in float32 and in bfloat16. The baseline is a common loop: one poem at a time in
float32, where each new character takes a forward pass over the whole prefix through ``nn.LSTM`` and the head.
Characters are those of the finished poems, including marks and the prompt. All take turns; medians with minimum and
maximum.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import machine
import torch
from rich.console import Console
from rich.progress import track
from tables import save, shown, spread

from tang import checkpoint
from tang.data.vocabulary import BOS, SPECIALS, Vocabulary
from tang.generation.generate import generate
from tang.generation.request import Request
from tang.generation.slots import Layout
from tang.kernels.hardware import has_bf16_units, keep_memory
from tang.tables import markdown
from tang.tasks.language_model import LanguageModel
from tang.tasks.network import Network
from tang.text.forms import FORMS, PUNCTUATION

FORM = FORMS["七言绝句"]
TEMPERATURE = 0.8
POEMS = {1: 8, 8: 32, 64: 128, 256: 256}
"""Batch size → poems sampled in a turn."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Sampling speed in characters a second, against forward passes over whole prefixes."
    )
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in text.split(",")], default=[256, 512])
    parser.add_argument("--vocabulary", type=int, default=7500, help="symbols")
    parser.add_argument("--echo-size", type=int, default=0, help="of random models that hear the lines above")
    parser.add_argument("--ckpt", help="a trained model instead of random weights, or latest")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    options = parser.parse_args()
    device = machine.pick_device(options.device)
    keep_memory()
    torch.manual_seed(1)
    if options.ckpt:
        models = [checkpoint.load(checkpoint.find(options.ckpt, LanguageModel), LanguageModel)]
    else:
        models = [untrained(size, options.vocabulary, options.echo_size) for size in options.sizes]
    rows = [row for model in models for row in measured(model, device, options.repeats)]
    findings = {"form": str(FORM), "random_weights": not options.ckpt, "rows": rows}
    save("sampling", device, findings, table(rows))


def untrained(size: int, vocabulary_size: int, echo_size: int = 0) -> LanguageModel:
    """A model with E = H = ``size``, one layer and random weights."""
    marks = [*SPECIALS, *PUNCTUATION]
    characters = map(chr, range(ord("一"), ord("一") + vocabulary_size - len(marks)))
    return LanguageModel({"hidden_size": size, "echo_size": echo_size}, [*marks, *characters], {})


def measured(model: LanguageModel, device: str, repeats: int) -> list[dict[str, Any]]:
    """Speeds of the prefix loop and of each batch size in each dtype, and their ratios to the prefix loop."""
    network, vocabulary = model.to(device).eval().network, model.vocabulary
    has_units = has_bf16_units() if device == "cpu" else torch.cuda.is_bf16_supported(including_emulation=False)
    jobs: dict[tuple[str, str], Callable[[], list[str]]] = {
        ("1, its prefix run again", "float32"): lambda: [run_again(network, vocabulary, "一") for _ in range(2)]
    }
    for name, precision in {"float32": "32-true", **({"bfloat16": "bf16-mixed"} if has_units else {})}.items():
        jobs |= {(str(at_once), name): partial(run, model, at_once, precision) for at_once in POEMS}
    speeds: dict[tuple[str, str], list[float]] = {job: [] for job in jobs}
    layers = network.recurrent.layers
    for turn in track(range(repeats + 1), f"H={layers.hidden_size}", console=Console(stderr=True)):
        for job, work in jobs.items():
            begin = time.perf_counter()
            characters = sum(map(len, work()))
            if turn:  # the first warms up
                speeds[job].append(characters / (time.perf_counter() - begin))
    baseline, *_ = (spread(values)["median"] for values in speeds.values())
    sizes = {"H": layers.hidden_size, "L": layers.num_layers, "V": len(vocabulary)}
    return [
        {**sizes, "poems_at_once": at_once, "format": name, "characters_per_second": speed,
         "ratio": speed["median"] / baseline}
        for (at_once, name), values in speeds.items() if (speed := spread(values))
    ]  # fmt: skip


def run(model: LanguageModel, at_once: int, precision: str) -> list[str]:
    """Sample poems with this project."""
    request = Request(
        start=["一"],
        form=str(FORM),
        n=POEMS[at_once],
        temperature=TEMPERATURE,
        batch_size=at_once,
        precision=precision,
    )
    return ["".join(poem.text.split()) for poem in generate(model, request)]


@torch.no_grad()
def run_again(network: Network, vocabulary: Vocabulary, prompt: str) -> str:
    """Sample a poem by the loop that carries no hidden state."""
    device = network.head.weight.device
    layout = Layout(FORM, vocabulary)
    given = layout.prompt_ids(prompt)
    ids = [BOS]
    for admitted, id in zip(layout.mask.to(device), given, strict=True):
        logits, _ = network(torch.tensor([ids], device=device))
        p = (logits[0, -1] / TEMPERATURE).masked_fill(~admitted, float("-inf")).softmax(-1)
        ids.append(int(torch.multinomial(p, 1)) if id < 0 else id)
    return vocabulary.decode(ids)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    return markdown(
        [
            {
                "H": row["H"],
                "poems at once": row["poems_at_once"],
                "products in": row["format"],
                "characters/s": shown(row["characters_per_second"]),
                "×": f"{row['ratio']:.1f}",
            }
            for row in rows
        ]
    )


if __name__ == "__main__":
    main()
