"""The machine: its description, matmul rates, peak memory, and profiles."""

import math
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import torch
from torch.autograd.profiler_util import FunctionEventAvg
from torch.profiler import ProfilerActivity, profile

LARGE = {"cpu": (2048, 2048, 2048), "cuda": (8192, 8192, 8192)}
"""(M, K, N) of a matmul that reaches the peak rate of a device."""


def words(device: str) -> dict[str, str | int]:
    """Description of the machine: processor, cores, PyTorch, and the GPU if it is the device."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found: dict[str, str | int] = {
        "cpu": _cpu(),
        "cores": cores,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    return {**found, "gpu": torch.cuda.get_device_name()} if device == "cuda" else found


def _cpu() -> str:
    """The processor's name, and its bfloat16 matmul units."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text(encoding="utf-8").splitlines() if about.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    units = [unit for flag, unit in (("avx512_bf16", "AVX-512 BF16"), ("amx_bf16", "AMX")) if flag in flags]
    return ", ".join([names[0] if names else platform.processor() or platform.machine(), *units])


def pick_device(asked: str) -> str:
    """``cpu`` or ``cuda``; for ``auto`` the GPU where there is one."""
    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return asked


def synchronize(device: str) -> None:
    """Wait for all queued work of a GPU."""
    if device == "cuda":
        torch.cuda.synchronize()


def peak_memory(device: str) -> float:
    """Peak memory of this process in MiB; on a GPU that of its tensors, since :func:`forget_peak`."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / (2**20 if sys.platform == "darwin" else 2**10)


def forget_peak(device: str) -> None:
    """Begin anew with :func:`peak_memory` on a GPU."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()


def training_flop(embedding_size: int, hidden_size: int, num_layers: int, vocabulary_size: int) -> int:
    """FLOP of training on one token: the matmuls of an LSTM language model, without pointwise operations.

    Forward it is 8H(E+H) + 16H²(L−1) + 2HV: four gates of the first layer, of the others, and the head.
    The backward pass has each matmul twice, once for the gradient of its input and once for that of its weight.
    """
    forward = 8 * hidden_size * (embedding_size + hidden_size)
    forward += 16 * hidden_size**2 * (num_layers - 1)
    forward += 2 * hidden_size * vocabulary_size
    return 3 * forward


def stepping_flop(hidden_size: int, num_layers: int) -> int:
    """The sequential part of :func:`training_flop`: the gates' matmul with h, forward and backward."""
    return 2 * 8 * hidden_size**2 * num_layers


def gemm_rates(shapes: dict[str, tuple[int, int, int]], device: str, seconds: float = 0.25) -> dict[str, float]:
    """FLOP/s of (M, K) @ (K, N) for each named shape (M, K, N), under ``NAME float32`` and ``NAME bfloat16``.

    The median of several timings, of about ``seconds`` in all. On a GPU float32 means float32, not TF32.
    """
    rates = {}
    for name, (rows, inner, columns) in shapes.items():
        for dtype in (torch.float32, torch.bfloat16):
            left = torch.randn(rows, inner, device=device).to(dtype)
            right = torch.randn(columns, inner, device=device).to(dtype).T  # as nn.Linear has it
            out = torch.empty(rows, columns, device=device, dtype=dtype)
            taken = median_seconds(partial(torch.mm, left, right, out=out), device, seconds)
            rates[f"{name} {str(dtype).removeprefix('torch.')}"] = 2 * rows * inner * columns / taken
    return rates


def median_seconds(work: Callable[[], object], device: str, seconds: float = 0.25) -> float:
    """Seconds of ``work``: the median of several loops of about a tenth of ``seconds`` each."""

    def run(count: int) -> float:
        synchronize(device)
        begin = time.perf_counter()
        for _ in range(count):
            work()
        synchronize(device)
        return (time.perf_counter() - begin) / count

    run(2)
    count = max(1, round(seconds / 10 / run(1)))
    return sorted(run(count) for _ in range(9))[4]


def kernel_seconds(work: Callable[[], object]) -> float:
    """Seconds in which the GPU computes or copies anything for ``work``, kernels side by side counted once."""
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        work()
        torch.cuda.synchronize()
    events = profiler.events() or []
    on_gpu = [event for event in events if event.device_type.name == "CUDA" and not event.is_user_annotation]
    return covered((event.time_range.start, event.time_range.end) for event in on_gpu) / 1e6


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """The length of the union of spans (begin, end)."""
    total, reached = 0.0, -math.inf
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def profiled(step: Callable[[], None], device: str, rows: int = 12) -> list[dict[str, str | float]]:
    """The ``rows`` operations of a step with the most self time: name, milliseconds, percentage, calls."""
    on_gpu = device == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities) as profiler:
        step()
        synchronize(device)

    def own(event: FunctionEventAvg) -> float:
        return float(event.self_device_time_total if on_gpu else event.self_cpu_time_total)

    events = sorted(profiler.key_averages(), key=own, reverse=True)
    total = sum(map(own, events))
    return [
        {"operation": e.key, "ms": round(own(e) / 1000, 2), "%": round(100 * own(e) / total, 1), "calls": e.count}
        for e in events[:rows]
    ]
