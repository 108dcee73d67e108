"""One measurement in a process of its own: ``python bench/measure.py WHAT``, with the work as JSON on stdin.

Prints the result as JSON, which :func:`measured` parses.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Work:
    """A training to measure: network, data and number of steps."""

    embedding_size: int
    hidden_size: int
    num_layers: int
    tie_weights: bool
    dropout: float
    lr: float
    clip: float | None
    vocabulary_size: int
    batch_size: int
    seed: int
    overrides: tuple[str, ...]
    """Overrides of this project's config that make it agree with the fields above."""
    backend: str
    precision: str
    """Backend and precision after ``auto`` is resolved on this machine."""
    ids: str
    """A folder with ``tokens.npy`` and ``offsets.npy`` of the training split."""
    length: int
    """Length to which plain training cuts and pads poems."""
    warmup: int
    """Untimed steps at the beginning."""
    steps: int
    """Timed steps."""
    device: str
    batches: int
    """Batches in an epoch of this project."""
    poems: int
    tokens: int
    """Poems and tokens in an epoch."""

    @property
    def flop(self) -> int:
        """FLOP of training on a token."""
        from machine import training_flop

        return training_flop(self.embedding_size, self.hidden_size, self.num_layers, self.vocabulary_size)

    def lasting(self, seconds: float, rate: float) -> "Work":
        """The same work with the steps that take about ``seconds`` at half of ``rate`` (FLOP/s), an epoch at most."""
        steps = round(seconds * rate / 2 / (self.flop * self.tokens / self.batches))
        return replace(self, steps=max(3, min(steps, self.batches - self.warmup)))

    @property
    def matmul_dtype(self) -> str:
        """Name of the dtype of this project's matmuls."""
        return "bfloat16" if self.precision == "bf16-mixed" else "float32"


Steps = tuple[Callable[[Any], None], Iterator[tuple[Any, float]]]
"""A step of training on a batch; batches, each with its number of real tokens."""


def plain(work: Work) -> Steps:
    """Common practice: plain PyTorch, all poems cut and padded to one length."""
    import numpy as np
    from plain import padded_batches

    tokens, offsets = _poems(work)
    return _plain_step(work), padded_batches(np.split(tokens, offsets[1:-1]), work.length, work.batch_size, work.seed)


def bucketed(work: Work, bf16: bool = False) -> Steps:
    """The plain step with this project's batches of epoch 0."""
    import torch

    from tang.data.batches import PoemLoader
    from tang.data.gather import Shard
    from tang.data.sequences import Sequences

    loader = PoemLoader(Sequences(*_poems(work)), work.batch_size, work.seed, Shard(torch.device(work.device)))
    return _plain_step(work, bf16), ((batch[:2], batch.num_tokens) for batch in _forever(loader))


def autocast(work: Work) -> Steps:
    """The plain step with this project's batches under autocast to bfloat16."""
    return bucketed(work, bf16=True)


def bare(work: Work) -> Steps:
    """This project's step without Lightning."""
    import ours

    step, loader = ours.bare(work.overrides, work.device)
    return step, ((batch, batch.num_tokens) for batch in _forever(loader))


VARIANTS = {"plain": plain, "bucketed": bucketed, "autocast": autocast, "bare": bare}
"""Variants that consist of a step and batches; ``shipped`` is a whole training."""


def _poems(work: Work) -> Any:
    import numpy as np

    return [np.load(Path(work.ids) / f"{name}.npy") for name in ("tokens", "offsets")]


def _plain_step(work: Work, bf16: bool = False) -> Callable[[Any], None]:
    import torch
    from plain import Net, training_step

    torch.manual_seed(work.seed)
    sizes = work.vocabulary_size, work.embedding_size, work.hidden_size, work.num_layers
    return training_step(Net(*sizes, work.tie_weights, work.dropout), work.lr, work.clip, work.device, bf16)


def _forever(loader: Any) -> Iterator[Any]:
    while True:
        yield from loader


class Window:
    """Counts steps, and measures tokens and time of those after the warm-up."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.done = 0
        self.tokens = 0.0
        self.seconds = 0.0

    def step_is_done(self, tokens: float) -> None:
        """Count a step of ``tokens`` tokens without padding."""
        from machine import synchronize

        self.done += 1
        if self.done > self.work.warmup:
            self.tokens += tokens
        if self.done in (self.work.warmup, self.work.warmup + self.work.steps):
            synchronize(self.work.device)
            self.seconds = time.perf_counter() - self.seconds


def train(what: str, work: Work) -> dict[str, float]:
    """Train; return tokens per second (without padding), milliseconds per step, and peak memory in MiB."""
    from machine import peak_memory

    window = Window(work)
    if what == "shipped":
        import ours

        ours.train(work.overrides, work.warmup + work.steps, window.step_is_done)
    else:
        step, batches = VARIANTS[what](work)
        for _ in range(work.warmup + work.steps):
            batch, tokens = next(batches)
            step(batch)
            window.step_is_done(tokens)
    return {
        "tokens_per_second": window.tokens / window.seconds,
        "milliseconds": 1000 * window.seconds / work.steps,
        "memory": peak_memory(work.device),
    }


def profile(what: str, work: Work) -> dict[str, Any]:
    """Profile the last of the steps by operation, the one with the most self time first."""
    from machine import profiled

    step, batches = VARIANTS[what](work)
    for _ in range(work.warmup + work.steps - 1):
        step(next(batches)[0])
    batch, _ = next(batches)
    return {"operations": profiled(lambda: step(batch), work.device)}


def gemm(work: Work) -> dict[str, float]:
    """FLOP/s of matmuls: large ones, and those of the model's shapes."""
    from machine import LARGE, gemm_rates

    shapes = {
        "large": LARGE[work.device],
        "head": (work.tokens // work.batches, work.hidden_size, work.vocabulary_size),
        "step": (work.batch_size, work.hidden_size, 4 * work.hidden_size),
    }
    return gemm_rates(shapes, work.device)


def measured(what: str, work: Work) -> Any:
    """Run this file in a process of its own and parse the JSON that it prints.

    Raises:
        RuntimeError: the process failed; the message has its stderr.
    """
    process = subprocess.run(
        [sys.executable, __file__, what],
        input=json.dumps(asdict(work)),
        env={**os.environ, "FORCE_COLOR": "1"},  # progress bars are drawn as on a terminal
        capture_output=True,
        encoding="utf-8",
    )
    if process.returncode:
        raise RuntimeError(f"{what}: {process.stderr}")
    return json.loads(process.stdout.splitlines()[-1])


def result(what: str, work: Work) -> Any:
    """Measure in this process ``gemm``, a variant, ``shipped``, or a variant followed by the word ``profile``."""
    if what == "gemm":
        return gemm(work)
    variant, _, profiles = what.partition(" ")
    return profile(variant, work) if profiles else train(variant, work)


if __name__ == "__main__":
    given = json.load(sys.stdin)
    print("\n" + json.dumps(result(sys.argv[1], Work(**{**given, "overrides": tuple(given["overrides"])}))))
