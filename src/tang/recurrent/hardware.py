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

FULL_NAMES = {"64": "64-true", "32": "32-true", "16": "16-mixed", "bf16": LOW}
"""Of Lightning's precisions, by their short ones."""

PURE = {"bf16-true": torch.bfloat16, "16-true": torch.float16}
"""Precisions in which all is in 16 bits."""


def has_bf16_units() -> bool:
    """Whether this CPU multiplies matrices in bfloat16 faster than in float32: by AVX-512 BF16 or AMX.

    Units that oneDNN may not use, see ``ONEDNN_MAX_CPU_ISA``, don't count.
    """
    has_units = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return has_units and torch_trains_lstm(LOW)


@cache
def torch_trains_lstm(precision: str) -> bool:
    """Whether ``nn.LSTM`` computes in this precision on this CPU, gradients too; it is tried.

    In bfloat16 that is oneDNN's part, which on x86 has it for AVX-512 alone: PyTorch 2.13 raises "could not create a
    primitive descriptor" elsewhere.
    """
    dtype = PURE.get(precision, torch.float32)
    try:
        # The run's random numbers stay its own, and its mode too.
        with torch.random.fork_rng(devices=[]), torch.inference_mode(False), torch.enable_grad():
            lstm = nn.LSTM(1, 1, dtype=dtype)
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == LOW):
                outputs, _ = lstm(torch.zeros(1, 1, 1, dtype=dtype))
            outputs.sum().backward()
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
    asked = precision
    precision = FULL_NAMES.get(precision or "", precision)
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    if accelerator == "cpu" and precision == "16-mixed":
        precision = LOW
    is_tried = accelerator == "cpu" and cell == "lstm" and precision in (LOW, *PURE)
    can_be_torch = not is_tried or torch_trains_lstm(str(precision))
    if backend != "auto":
        if backend == "torch" and not can_be_torch:
            raise InputError(
                f"model.backend=torch: PyTorch's own LSTM can't compute in trainer.precision={asked} on this CPU; "
                "give model.backend=bptt, or trainer.precision=32-true"
            )
        return Choice(accelerator, backend, precision or "32-true", "the backend is given")
    if accelerator in ("cuda", "gpu") and torch.cuda.is_available():
        has_units = torch.cuda.is_bf16_supported(including_emulation=False)
        name = f"{torch.cuda.get_device_name()} with{'' if has_units else 'out'} bfloat16 units"
    elif accelerator == "cpu":
        has_units = has_bf16_units() and cell == "lstm"
        kind = "" if cell == "lstm" else f", or none that model.cell={cell} uses here"
        name = "a CPU with bfloat16 units" if has_units else f"a CPU without bfloat16 units{kind}"
    else:
        has_units, name = False, f"trainer.accelerator={accelerator}"
    precision = precision or (LOW if has_units else "32-true")
    is_fast = accelerator == "cpu" and has_units and precision == LOW
    reason = f"{name}, trainer.precision={asked}" if asked else name
    return Choice(accelerator, "bptt" if is_fast or not can_be_torch else "torch", precision, reason)


def keep_memory() -> None:
    """Have the C library keep the memory that a step gives back for the next one.

    glibc returns large blocks to the system at once and takes them anew page by page: a tenth of a
    training step's time and more. Other C libraries are left as they are.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
        libc.mallopt(mmap_threshold, 2**30) or libc.mallopt(mmap_threshold, 2**25)  # the most for older versions
        libc.mallopt(trim_threshold, 2**31 - 1)
