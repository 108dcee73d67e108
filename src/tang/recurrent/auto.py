"""Choose accelerator, backend and precision where the config leaves them open."""

from dataclasses import dataclass

import torch
from torch import nn

from tang.errors import InputError
from tang.kernels.hardware import BF16_MIXED, TRUE_16_BIT, has_bf16_units, torch_trains_lstm
from tang.recurrent import cells

FULL_NAMES = {"64": "64-true", "32": "32-true", "16": "16-mixed", "bf16": BF16_MIXED}  # Lightning's short names → full


@dataclass(frozen=True)
class Choice:
    """A run's ``trainer.accelerator``, ``model.backend`` and ``trainer.precision``."""

    accelerator: str
    backend: str
    precision: str
    reason: str  # Why this backend and this precision, for the log


def resolve_auto(accelerator: str, backend: str, precision: str | None, cell: str) -> Choice:
    """Replace an accelerator or backend of ``auto`` and a precision of None by the fastest that this machine has.

    bfloat16 is chosen only together with the backend; a backend that is given computes in float32 unless ``precision``
    says otherwise. Apple's GPU is used only if ``accelerator`` is ``mps``. On a CPU float16 exists as ``16-true``
    alone: ``16-mixed`` becomes ``bf16-mixed`` there, as in Lightning. An InputError if ``backend`` is ``torch`` and
    PyTorch's LSTM doesn't compute in this precision on this CPU.
    """
    requested = precision
    precision = FULL_NAMES.get(precision or "", precision)
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    if accelerator == "cpu" and precision == "16-mixed":
        precision = BF16_MIXED
    is_lstm = cell in cells.names() and cells.load(cell).module is nn.LSTM  # tang.tasks.report_cells has more names
    is_tried = is_lstm and accelerator == "cpu" and precision in (BF16_MIXED, *TRUE_16_BIT)
    can_be_torch = not is_tried or torch_trains_lstm(str(precision))
    if backend != "auto":
        if backend == "torch" and not can_be_torch:
            raise InputError(
                f"model.backend=torch: PyTorch's own LSTM can't compute in trainer.precision={requested} on this CPU; "
                "give model.backend=bptt, or trainer.precision=32-true"
            )
        return Choice(accelerator, backend, precision or "32-true", "the backend is given")
    if accelerator in ("cuda", "gpu") and torch.cuda.is_available():
        has_units = torch.cuda.is_bf16_supported(including_emulation=False)
        name = f"{torch.cuda.get_device_name()} with{'' if has_units else 'out'} bfloat16 units"
    elif accelerator == "cpu":
        has_units = has_bf16_units() and is_lstm
        limit = "" if is_lstm else f", or none that model.cell={cell} uses here"
        name = "a CPU with bfloat16 units" if has_units else f"a CPU without bfloat16 units{limit}"
    else:
        has_units, name = False, f"trainer.accelerator={accelerator}"
    precision = precision or (BF16_MIXED if has_units else "32-true")
    reason = f"{name}, trainer.precision={requested}" if requested else name
    if not can_be_torch or (accelerator == "cpu" and has_units and precision == BF16_MIXED):
        return Choice(accelerator, "bptt", precision, reason)
    return Choice(accelerator, cells.default_backend(cell), precision, reason)
