"""One measurement, in a process of its own: ``python bench/measure.py WHAT``, the work as JSON on its input.

Prints JSON; :func:`measured` starts it and reads that.
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
    """What to train, on what, and for how long."""

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
    """Of this project's config; it then says the same as the above."""
    backend: str
    precision: str
    """The last two as that config has them on this machine."""
    ids: str
    """A folder with ``tokens.npy`` and ``offsets.npy``, of the training poems."""
    length: int
    """What plain training cuts poems at and pads them to."""
    warmup: int
    """Steps that aren't timed."""
    steps: int
    """Steps that are."""
    device: str
    batches: int
    """Of an epoch of this project."""
    poems: int
    tokens: int
    """The last two of an epoch, too."""

    @property
    def flop(self) -> int:
        """Of training on a token."""
        from machine import training_flop

        return training_flop(self.embedding_size, self.hidden_size, self.num_layers, self.vocabulary_size)

    def lasting(self, seconds: float, rate: float) -> "Work":
        """It with as many steps as take about ``seconds`` at half of ``rate``, FLOP/s; an epoch at most."""
        steps = round(seconds * rate / 2 / (self.flop * self.tokens / self.batches))
        return replace(self, steps=max(3, min(steps, self.batches - self.warmup)))

    @property
    def number_format(self) -> str:
        """Of this project's products."""
        return "bfloat16" if self.precision == "bf16-mixed" else "float32"


Steps = tuple[Callable[[Any], None], Iterator[tuple[Any, float]]]
"""A step of training on a batch; batches, each with its number of real tokens."""


def plain(work: Work) -> Steps:
    """What people write, with batches of one length, cut and padded."""
    import numpy as np
    from plain import padded_batches

    tokens, offsets = _poems(work)
    return _plain_step(work), padded_batches(np.split(tokens, offsets[1:-1]), work.length, work.batch_size, work.seed)


def bucketed(work: Work, bf16: bool = False) -> Steps:
    """The same with this project's batches, those of epoch 0."""
    import torch

    from tang.data.batches import PoemLoader
    from tang.data.gather import Shard
    from tang.data.prepare import Sequences

    loader = PoemLoader(Sequences(*_poems(work)), work.batch_size, work.seed, Shard(torch.device(work.device)))
    return _plain_step(work, bf16), ((batch[:2], batch.num_tokens) for batch in _forever(loader))


def autocast(work: Work) -> Steps:
    """The same under autocast to bfloat16."""
    return bucketed(work, bf16=True)


def bare(work: Work) -> Steps:
    """This project's step without Lightning."""
    import ours

    step, loader = ours.bare(work.overrides, work.device)
    return step, ((batch, batch.num_tokens) for batch in _forever(loader))


VARIANTS = {"plain": plain, "bucketed": bucketed, "autocast": autocast, "bare": bare}
"""Those that are a step and its batches; ``shipped``, a whole training, stands beside them."""


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
    """Counts steps, and the real tokens and the time of those between the warm-up and the end."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.done = 0
        self.tokens = 0.0
        self.seconds = 0.0

    def step_is_done(self, tokens: float) -> None:
        """Count a step with so many real tokens."""
        from machine import synchronize

        self.done += 1
        if self.done > self.work.warmup:
            self.tokens += tokens
        if self.done in (self.work.warmup, self.work.warmup + self.work.steps):
            synchronize(self.work.device)
            self.seconds = time.perf_counter() - self.seconds


def train(what: str, work: Work) -> dict[str, float]:
    """Train; real tokens per second, milliseconds of a step, and the peak of memory in MiB."""
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
    """Where the last of the steps goes: operation, its own milliseconds, its share, its calls; the largest first."""
    from machine import profiled

    step, batches = VARIANTS[what](work)
    for _ in range(work.warmup + work.steps - 1):
        step(next(batches)[0])
    batch, _ = next(batches)
    return {"operations": profiled(lambda: step(batch), work.device)}


def gemm(work: Work) -> dict[str, float]:
    """FLOP/s of matrix products: large, and of the model's shapes."""
    from machine import LARGE, gemm_rates

    shapes = {
        "large": LARGE[work.device],
        "head": (work.tokens // work.batches, work.hidden_size, work.vocabulary_size),
        "step": (work.batch_size, work.hidden_size, 4 * work.hidden_size),
    }
    return gemm_rates(shapes, work.device)


def measured(what: str, work: Work) -> Any:
    """Run this file as a process of its own; what it printed.

    Raises:
        RuntimeError: it failed; with what it said.
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
    """One measurement, here: ``gemm``, a variant, ``shipped``, or a variant and the word ``profile``."""
    if what == "gemm":
        return gemm(work)
    variant, _, profiles = what.partition(" ")
    return profile(variant, work) if profiles else train(variant, work)


if __name__ == "__main__":
    given = json.load(sys.stdin)
    print("\n" + json.dumps(result(sys.argv[1], Work(**{**given, "overrides": tuple(given["overrides"])}))))
