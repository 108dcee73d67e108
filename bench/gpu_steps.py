"""What ``bench/gpu.py`` measures of training steps, each function in a process of its own; see ``measure.py``."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from statistics import median
from typing import Any

import machine
import measure
import ours
import replay
import torch
from torch import Tensor, nn
from work import Work

from tang.data.batches import Batch
from tang.data.vocabulary import PAD
from tang.tasks.cross_entropy import linear_cross_entropy

PROFILED = 20
"""Steps whose kernels are counted."""

TURNS = 5
"""Turns of training that reads its losses, and training that doesn't."""

EPOCHS = 3
"""Epochs of replayed steps: in the first two shapes are captured, which is counted."""


def speed(work: Work) -> dict[str, Any]:
    """Training as shipped and the bare step; on a GPU how much of the time its kernels take."""
    step, batches = measure.bare(work)
    bare = measure.timed(work, step, batches)
    kernels = kernels_of(step, (batch for batch, _ in batches)) if work.device == "cuda" else None
    del step, batches
    machine.forget_peak(work.device)
    shipped = measure.train("shipped", work)
    ratio = shipped["tokens_per_second"] / bare["tokens_per_second"]
    return {"shipped": shipped, "bare": bare, "ratio": ratio, "kernels": kernels, "flop_per_token": work.flop}


def kernels_of(step: Callable[[Batch], None], batches: Iterator[Batch]) -> dict[str, float]:
    """Milliseconds in which the GPU is at work in a step, and their share of the step's time."""
    some = list(islice(batches, PROFILED))
    seconds = machine.kernel_seconds(lambda: run(step, some))
    return {"milliseconds": 1000 * seconds / len(some), "share": seconds / seconds_of(step, some, "cuda")}


def head(work: Work) -> dict[str, Any]:
    """The output layer's FLOP/s, forward and backward with its cross-entropy, beside those of matmuls."""
    torch.manual_seed(0)
    rows, size, symbols = work.tokens // work.batches, work.hidden_size, work.vocabulary_size
    hidden = torch.randn(rows, size, device=work.device, dtype=getattr(torch, work.matmul_dtype), requires_grad=True)
    layer = nn.Linear(size, symbols, device=work.device)
    targets = torch.randint(PAD + 1, symbols, (rows,), device=work.device)

    def compute() -> None:
        linear_cross_entropy(hidden, layer.weight, layer.bias, targets, PAD).backward()

    seconds = machine.median_seconds(compute, work.device)
    rate = 3 * 2 * rows * size * symbols / seconds
    rates = measure.gemm(work)
    shares = {f"share_of_{shape}": rate / rates[f"{shape} {work.matmul_dtype}"] for shape in ("large", "head")}
    return {"rows": rows, "milliseconds": 1000 * seconds, "rate": rate, "gemm": rates, **shares}


def loss_read(work: Work) -> dict[str, Any]:
    """Milliseconds of the bare step that reads no loss, reads it before the optimizer's step, or a step later."""
    step, loader = ours.bare(work.overrides, work.device)
    batches = list(islice(loader, work.steps))
    reads: dict[str, Callable[[Tensor], object] | None] = {"none": None, "at_once": float}
    if work.device == "cuda":
        reads["later"] = Later()
    run(step, batches)
    turns: dict[str, list[float]] = {name: [] for name in reads}
    for _ in range(TURNS):
        for name, read in reads.items():
            step.read = read
            turns[name].append(1000 * seconds_of(step, batches, work.device) / len(batches))
    found = {name: median(values) for name, values in turns.items()}
    return {"milliseconds": found, "price": {name: found[name] / found["none"] - 1 for name in found}}


class Later:
    """Reads each loss when the next one comes: by then the GPU has computed it, and need not be waited for."""

    def __init__(self) -> None:
        self.loss = torch.zeros((), pin_memory=True)
        self.is_there = torch.cuda.Event()

    def __call__(self, loss: Tensor) -> None:
        self.is_there.synchronize()
        float(self.loss)
        self.loss.copy_(loss, non_blocking=True)
        self.is_there.record()


def graphs(work: Work) -> dict[str, Any]:
    """An epoch of bare steps beside epochs of steps that are captured as CUDA graphs and replayed."""
    step, loader = ours.bare(work.overrides, work.device)
    run(step, islice(loader, work.warmup))
    launched = seconds_of(step, loader, work.device)
    step, loader = ours.bare(work.overrides, work.device)
    run(step, islice(loader, work.warmup))
    machine.forget_peak(work.device)
    replayed = replay.replayed(step)
    epochs = []
    for _ in range(EPOCHS):
        captures, capturing = len(replayed.captured), replayed.capture_seconds
        seconds = seconds_of(replayed, loader, work.device)
        captures, capturing = len(replayed.captured) - captures, replayed.capture_seconds - capturing
        epochs.append({"seconds": seconds, "captures": captures, "capture_seconds": capturing})
    return {
        "launched_seconds": launched,
        "epochs": epochs,
        "kernels": kernels_of(replayed, iter(loader)),
        "steps": len(loader),
        "tokens": work.tokens,
        "memory": machine.peak_memory(work.device),
    }


def run(step: Callable[[Batch], None], batches: Iterable[Batch]) -> None:
    for batch in batches:
        step(batch)


def seconds_of(step: Callable[[Batch], None], batches: Iterable[Batch], device: str) -> float:
    """Seconds of the steps on all batches."""
    machine.synchronize(device)
    begin = time.perf_counter()
    run(step, batches)
    machine.synchronize(device)
    return time.perf_counter() - begin
