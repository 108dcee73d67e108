"""Training speed on a GPU by size of model and batch, and how busy it keeps the GPU: ``python bench/gpu.py``.

The bare step on the whole 全唐诗, without Lightning: loss, backward, clipping, optimizer. Tokens are characters to
predict, without padding. The kernels' share is the sum of the times of all kernels divided by the time of the steps:
the rest is waiting for the host.
"""

import time
from itertools import cycle, islice

import machine
import ours
import torch
from tables import save
from torch.profiler import ProfilerActivity, profile

from tang.tables import markdown

SIZES = [(512, layers, batch) for layers in (1, 2) for batch in (64, 256, 1024)] + [(1024, 1, 256), (1024, 1, 1024)]
"""E = H, layers, batch size."""

WARMUP, TIMED, PROFILED = 30, 100, 10


def main() -> None:
    rows = [measured(*size) for size in SIZES]
    rates = machine.gemm_rates({"large": machine.LARGE["cuda"]}, "cuda")
    about = f"Large matmuls: {', '.join(f'{name[6:]} {rate / 1e12:,.0f}' for name, rate in rates.items())} TFLOP/s."
    save("gpu", "cuda", {"rows": rows, "gemm": rates}, f"{about}\n\n{markdown(rows)}")


def measured(size: int, layers: int, batch_size: int) -> dict[str, str]:
    """A row of the table."""
    overrides = ["data=tang", f"model.hidden_size={size}", f"model.num_layers={layers}", "trainer.accelerator=cuda"]
    step, loader = ours.bare([*overrides, f"data.batch_size={batch_size}", "optimizer=adamw"], "cuda")
    batches = cycle(loader)
    for batch in islice(batches, WARMUP):
        step(batch)
    torch.cuda.synchronize()
    begin, tokens = time.perf_counter(), 0.0
    for batch in islice(batches, TIMED):
        step(batch)
        tokens += batch.num_tokens
    torch.cuda.synchronize()
    seconds = time.perf_counter() - begin
    some = list(islice(batches, PROFILED))
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        for batch in some:
            step(batch)
        torch.cuda.synchronize()
    kernels = sum(event.self_device_time_total for event in profiler.key_averages()) / 1e6
    begin = time.perf_counter()
    for batch in some:
        step(batch)
    torch.cuda.synchronize()
    share = kernels / (time.perf_counter() - begin)
    vocabulary = loader.sequences.tokens.max() + 1
    flop = machine.training_flop(size, size, layers, int(vocabulary))
    return {
        "E = H": str(size),
        "L": str(layers),
        "B": str(batch_size),
        "tokens/s": f"{tokens / seconds:,.0f}",
        "ms a step": f"{1000 * seconds / TIMED:.1f}",
        "kernels": f"{share:.0%}",
        "TFLOP/s": f"{flop * tokens / seconds / 1e12:.1f}",
        "MiB": f"{machine.peak_memory('cuda'):,.0f}",
    }


if __name__ == "__main__":
    main()
