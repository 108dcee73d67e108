"""Drawing poems from a language model, slot by slot, all poems of a batch at once."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from tang.data.vocabulary import BOS
from tang.tasks.network import Network


@dataclass(frozen=True)
class Settings:
    """How to draw a symbol from the model's distribution."""

    temperature: float = 1.0
    """Divides the logits; 0 takes the likeliest symbol."""
    top_k: int | None = None
    """Draw from so many of the likeliest symbols that the slot admits."""
    top_p: float | None = None
    """Draw from the fewest symbols whose probabilities sum to this (Holtzman et al. 2020)."""


class Decoded(NamedTuple):
    """What :func:`decode` returns, for B poems."""

    ids: Tensor
    """(B, S) int64."""
    log_likelihood: Tensor
    """(B,) ln p of all S symbols under the model alone: no mask, temperature 1."""


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """(B, V) logits with all but the ``k`` largest of each row at −∞."""
    least = logits.topk(min(k, logits.shape[-1])).values[:, -1:]
    return logits.masked_fill(logits < least, float("-inf"))


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """(B, V) logits with all at −∞ but the likeliest whose probabilities first reach ``p``."""
    ordered, order = logits.sort(descending=True)
    probabilities = ordered.softmax(-1)
    before = probabilities.cumsum(-1) - probabilities
    keep = torch.empty_like(before, dtype=torch.bool).scatter(-1, order, before < p)
    return logits.masked_fill(~keep, float("-inf"))


def draw(logits: Tensor, settings: Settings, generator: torch.Generator) -> Tensor:
    """(B,) symbols drawn from (B, V) masked logits."""
    if settings.temperature == 0:
        return logits.argmax(-1)
    logits = logits / settings.temperature
    if settings.top_k is not None:
        logits = keep_top_k(logits, settings.top_k)
    if settings.top_p is not None:
        logits = keep_top_p(logits, settings.top_p)
    return torch.multinomial(logits.softmax(-1), 1, generator=generator).squeeze(-1)


@torch.inference_mode()
def decode(network: Network, mask: Tensor, given: Tensor, settings: Settings, seed: int) -> Decoded:
    """Poems of the slots in ``mask``.

    Args:
        network: in evaluation mode.
        mask: (S, V) bool, what each slot admits.
        given: (B, S) int64, the symbol that a slot must have; −1 where the model draws one.
        settings: how it draws.
        seed: of the random numbers; the global generator is left alone.
    """
    device = next(network.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    given, mask = given.to(device), mask.to(device)
    symbols = torch.full_like(given[:, 0], BOS)
    log_likelihood = torch.zeros(len(given), device=device)
    state = None
    drawn = []
    for slot, admitted in enumerate(mask):
        logits, state = network(symbols[:, None], state)
        logits = logits[:, 0].float()
        choice = draw(logits.masked_fill(~admitted, float("-inf")), settings, generator)
        symbols = torch.where(given[:, slot] >= 0, given[:, slot], choice)
        log_likelihood += F.log_softmax(logits, -1).gather(-1, symbols[:, None]).squeeze(-1)
        drawn.append(symbols)
    return Decoded(torch.stack(drawn, 1), log_likelihood)
