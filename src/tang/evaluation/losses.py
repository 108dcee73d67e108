"""−ln p of each token of some batches under a language model."""

from collections.abc import Iterable
from contextlib import nullcontext
from typing import NamedTuple

import torch
from torch import Tensor

from tang.data.batches import Batch
from tang.data.vocabulary import PAD
from tang.errors import InputError
from tang.evaluation.places import Places
from tang.generation.sampling import NOT_NUMBERS
from tang.kernels.hardware import BF16_MIXED
from tang.recurrent.auto import resolve_auto
from tang.tasks.poem_model import PoemModelBase


class TokenLosses(NamedTuple):
    """All N tokens of some batches."""

    targets: Tensor  # (N,)
    positions: Tensor  # (N,) in their sequences, from 0
    places: Tensor  # (N,) index in PLACES
    nll: Tensor  # (N,) −ln p of each, float64


@torch.inference_mode()
def token_losses(
    model: PoemModelBase, batches: Iterable[Batch], precision: str = "32-true", temperature: float = 1.0
) -> TokenLosses:
    """The tokens of all batches and what the model makes of them; ``temperature`` divides its logits.

    The backend is the fastest on this machine at ``precision``: ``32-true``, ``64-true`` or ``bf16-mixed``.
    InputError if the model's logits are NaN.
    """
    choice = resolve_auto("auto", "auto", precision, model.network.recurrent.cell_name)
    model.network.recurrent.backend = choice.backend
    device = torch.device(choice.accelerator)
    torch.backends.cudnn.allow_tf32 = False  # cuDNN's LSTM would round its inputs to ten bits
    model = model.to(device, torch.float64 if precision == "64-true" else torch.float32).eval()
    autocast = torch.autocast(device.type, torch.bfloat16) if precision == BF16_MIXED else nullcontext()
    places = Places(model.vocabulary, device)
    found = []
    for batch in batches:
        batch = Batch(batch.inputs.to(device), batch.targets.to(device), batch.num_tokens)
        with autocast:
            nll = model.nll(batch, temperature)
        positions = torch.arange(nll.shape[1], device=device).expand_as(nll)
        is_token = batch.targets != PAD
        of_batch = (batch.targets, positions, places.of(batch), nll.double())
        found.append([values[is_token].cpu() for values in of_batch])
    losses = TokenLosses(*(torch.cat(values) for values in zip(*found, strict=True)))
    if losses.nll.isnan().any():
        raise InputError(NOT_NUMBERS)
    return losses
