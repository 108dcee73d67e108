"""One measurement in a process of its own: ``python bench/measure.py WHAT``, with the work as JSON on stdin.

Prints the result as JSON, which :func:`measured` parses.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from work import Work

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

    @property
    def found(self) -> dict[str, float]:
        """Tokens per second, milliseconds per step, and peak memory in MiB."""
        from machine import peak_memory

        return {
            "tokens_per_second": self.tokens / self.seconds,
            "milliseconds": 1000 * self.seconds / self.work.steps,
            "memory": peak_memory(self.work.device),
        }


def train(what: str, work: Work) -> dict[str, float]:
    """Train; return what :func:`timed` does."""
    if what != "shipped":
        return timed(work, *VARIANTS[what](work))
    import ours

    window = Window(work)
    ours.train(work.overrides, work.warmup + work.steps, window.step_is_done)
    return window.found


def timed(work: Work, step: Callable[[Any], None], batches: Iterator[tuple[Any, float]]) -> dict[str, float]:
    """Tokens per second (without padding) and milliseconds per step after the warm-up, and peak memory in MiB."""
    window = Window(work)
    for batch, tokens in islice(batches, work.warmup + work.steps):
        step(batch)
        window.step_is_done(tokens)
    return window.found


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


def measured(what: str, work: Work, seconds: float | None = None) -> Any:
    """Run this file in a process of its own, for ``seconds`` at most, and parse the JSON that it prints.

    Raises:
        RuntimeError: the process failed; the message has its stderr.
        TimeoutExpired: it took longer, and was killed.
    """
    process = subprocess.run(
        [sys.executable, __file__, what],
        input=json.dumps(asdict(work)),
        env={**os.environ, "FORCE_COLOR": "1"},  # progress bars are drawn as on a terminal
        capture_output=True,
        encoding="utf-8",
        timeout=seconds,
    )
    if process.returncode:
        raise RuntimeError(f"{what}: {process.stderr}")
    return json.loads(process.stdout.splitlines()[-1])


def result(what: str, work: Work) -> Any:
    """Measure in this process ``gemm``, a variant, ``shipped``, or a variant followed by the word ``profile``.

    Or call a function of another file here, ``FILE.FUNCTION``.
    """
    if what == "gemm":
        return gemm(work)
    file, _, function = what.partition(".")
    if function:
        return getattr(import_module(file), function)(work)
    variant, _, profiles = what.partition(" ")
    return profile(variant, work) if profiles else train(variant, work)


if __name__ == "__main__":
    given = json.load(sys.stdin)
    print("\n" + json.dumps(result(sys.argv[1], Work(**{**given, "overrides": tuple(given["overrides"])}))))
