"""Features of the CPU and settings of the C library that decide which kernels are fast."""

import ctypes
import sys
from functools import cache

import torch
from torch import nn

BF16_MIXED = "bf16-mixed"  # The precision with matmuls in bfloat16 and all else in float32
TRUE_16_BIT = {"bf16-true": torch.bfloat16, "16-true": torch.float16}  # Precisions with all in 16 bits → their dtype


@cache
def cpu_has(feature: str) -> bool:
    """Whether PyTorch reports a feature of this CPU, such as ``amx_tile`` for AMX; False if its version can't tell."""
    if hasattr(torch.cpu, "get_capabilities"):
        return bool(torch.cpu.get_capabilities().get(feature, False))
    return bool(getattr(torch.cpu, f"_is_{feature}_supported", bool)())  # private, in older versions


def has_bf16_units() -> bool:
    """Whether this CPU multiplies matrices in bfloat16 faster than in float32: by AVX-512 BF16 or AMX.

    Units that oneDNN may not use, see ``ONEDNN_MAX_CPU_ISA``, don't count.
    """
    return (cpu_has("avx512_bf16") or cpu_has("amx_tile")) and torch_trains_lstm(BF16_MIXED)


@cache
def torch_trains_lstm(precision: str) -> bool:
    """Whether ``nn.LSTM`` computes outputs and gradients in this precision on this CPU, found out by trying.

    In bfloat16 that is up to oneDNN, which on x86 needs AVX-512: elsewhere PyTorch 2.13 raises "could not create a
    primitive descriptor".
    """
    dtype = TRUE_16_BIT.get(precision, torch.float32)
    try:
        # Leave the global generator, inference mode and grad mode as they are.
        with torch.random.fork_rng(devices=[]), torch.inference_mode(False), torch.enable_grad():
            lstm = nn.LSTM(1, 1, dtype=dtype)
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == BF16_MIXED):
                outputs, _ = lstm(torch.zeros(1, 1, 1, dtype=dtype))
            outputs.sum().backward()
    except RuntimeError:
        return False
    return True


def keep_memory() -> None:
    """Have the C library keep the memory that a training step frees for the next step.

    glibc returns large blocks to the system at once and requests them again page by page, which takes a tenth of a
    training step and more. Other C libraries are left as they are.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
        libc.mallopt(mmap_threshold, 2**30) or libc.mallopt(mmap_threshold, 2**25)  # the maximum of older versions
        libc.mallopt(trim_threshold, 2**31 - 1)
