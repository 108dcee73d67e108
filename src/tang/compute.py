"""What a run computes on, and in which number format."""

import ctypes
import sys
from dataclasses import dataclass

import torch

LOW = "bf16-mixed"
"""Products in bfloat16, all else in float32."""


def has_bf16_units() -> bool:
    """Whether this CPU multiplies matrices in bfloat16 faster than in float32: by AVX-512 BF16 or AMX."""
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


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
    ``precision`` says otherwise. Apple's GPU must be asked for.
    """
    precision = LOW if precision == "bf16" else precision  # Lightning has two names for it
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    if backend != "auto":
        return Choice(accelerator, backend, precision or "32-true", "the backend is given")
    if accelerator in ("cuda", "gpu") and torch.cuda.is_available():
        has_units = torch.cuda.is_bf16_supported(including_emulation=False)
        name, fast = f"{torch.cuda.get_device_name()} with{'' if has_units else 'out'} bfloat16 units", "torch"
    elif accelerator == "cpu":
        has_units = has_bf16_units() and cell == "lstm"
        kind = "" if cell == "lstm" else f", or none that model.cell={cell} uses here"
        name, fast = "a CPU with bfloat16 units" if has_units else f"a CPU without bfloat16 units{kind}", "bptt"
    else:
        has_units, name, fast = False, f"trainer.accelerator={accelerator}", "torch"
    if precision is None:
        return Choice(accelerator, fast, LOW, name) if has_units else Choice(accelerator, "torch", "32-true", name)
    reason = f"{name}, trainer.precision={precision}"
    return Choice(accelerator, fast if has_units and precision == LOW else "torch", precision, reason)


def keep_memory() -> None:
    """Have the C library keep the memory that a step gives back for the next one.

    glibc returns large blocks to the system at once and takes them anew page by page: a tenth of a
    training step's time and more. Other C libraries are left as they are.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
        libc.mallopt(mmap_threshold, 2**30) or libc.mallopt(mmap_threshold, 2**25)  # the most for older versions
        libc.mallopt(trim_threshold, 2**31 - 1)
