"""What a run computes on, and in which number format."""

import ctypes
import sys
from dataclasses import dataclass
from functools import cache

import torch
from torch import nn

from tang.errors import InputError

LOW = "bf16-mixed"
"""Products in bfloat16, all else in float32."""

NAMES = {"64": "64-true", "32": "32-true", "16": "16-mixed", "bf16": LOW}
"""Of Lightning's precisions, short ones and full ones."""


def has_bf16_units() -> bool:
    """Whether this CPU multiplies matrices in bfloat16 faster than in float32: by AVX-512 BF16 or AMX."""
    return torch_has_bf16_lstm() and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


@cache
def torch_has_bf16_lstm() -> bool:
    """Whether ``nn.LSTM`` computes under autocast to bfloat16 on this CPU.

    oneDNN does it there, for processors with AVX-512 alone, as far as ``ONEDNN_MAX_CPU_ISA`` lets it; for others
    PyTorch 2.13 raises "could not create a primitive descriptor".
    """
    with torch.random.fork_rng(devices=[]):  # the run's random numbers stay its own
        lstm = nn.LSTM(1, 1)
    try:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            lstm(torch.zeros(1, 1, 1))
    except RuntimeError:
        return False
    return True


@dataclass(frozen=True)
class Choice:
    """A run's ``trainer.accelerator``, ``model.backend`` and ``trainer.precision``."""

    accelerator: str
    backend: str
    precision: str
    reason: str
    """Of the backend and the precision, in words."""


def choose(accelerator: str, backend: str, precision: str | None, cell: str) -> Choice:
    """Settle what is left open: an accelerator or backend that is ``auto``, a precision that is None.

    Only a backend that is left open brings bfloat16 with it; one that is named computes in float32 unless
    ``precision`` says otherwise. Apple's GPU must be asked for. A CPU has float16 in ``16-true`` alone: as Lightning
    does, ``16-mixed`` there is taken for ``bf16-mixed``.

    Raises:
        InputError: the backend that is named doesn't compute in this precision here.
    """
    asked = f", trainer.precision={precision}" if precision else ""
    precision = NAMES.get(precision or "", precision)
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    if accelerator == "cpu" and precision == "16-mixed":
        precision = LOW
    if backend != "auto":
        if (backend, cell, accelerator, precision) == ("torch", "lstm", "cpu", LOW) and not torch_has_bf16_lstm():
            raise InputError(
                f"model.backend=torch: PyTorch's own LSTM has no trainer.precision={LOW} on this CPU; "
                "give model.backend=bptt, or trainer.precision=32-true"
            )
        return Choice(accelerator, backend, precision or "32-true", f"the backend is given{asked}")
    low = "torch"
    if accelerator in ("cuda", "gpu") and torch.cuda.is_available():
        has_units = torch.cuda.is_bf16_supported(including_emulation=False)
        name = f"{torch.cuda.get_device_name()} with{'' if has_units else 'out'} bfloat16 units"
    elif accelerator == "cpu":
        has_units = has_bf16_units() and cell == "lstm"
        kind = "" if cell == "lstm" else f", or none that model.cell={cell} uses here"
        name = "a CPU with bfloat16 units" if has_units else f"a CPU without bfloat16 units{kind}"
        low = "bptt" if cell == "lstm" else "torch"  # the fastest with the units, and at home on any CPU
    else:
        has_units, name = False, f"trainer.accelerator={accelerator}"
    precision = precision or (LOW if has_units else "32-true")
    return Choice(accelerator, low if precision == LOW else "torch", precision, f"{name}{asked}")


def keep_memory() -> None:
    """Have the C library keep the memory that a step gives back for the next one.

    glibc returns large blocks to the system at once and takes them anew page by page: a tenth of a
    training step's time and more. Other C libraries are left as they are.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
        libc.mallopt(mmap_threshold, 2**30) or libc.mallopt(mmap_threshold, 2**25)  # the most for older versions
        libc.mallopt(trim_threshold, 2**31 - 1)
