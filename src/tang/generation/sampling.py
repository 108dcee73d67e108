"""Drawing poems from a language model, slot by slot, all poems of a batch at once.

The state is carried along, so that each character costs one step, however long the poem. Every draw
takes its random numbers from the poem's own stream: no poem depends on those beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import NamedTuple

import torch
from torch import Tensor

from tang.data.vocabulary import BOS
from tang.errors import InputError
from tang.generation.constraints import IMPOSSIBLE, Constraint
from tang.tasks.network import Network

NOT_NUMBERS = "the model's scores are not numbers: its weights are broken; take another checkpoint"

LEAST = -1e4
"""ln p of a symbol that the model holds for impossible: where nothing else may stand, it can."""


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
    dead_end: Tensor
    """(B,) the first slot in which the constraints left nothing, and broke; −1: there is none."""


def invert(p: Tensor, uniforms: Tensor) -> Tensor:
    """(B,) the first index at which the cumulated ``p`` (B, N) exceed ``uniforms`` (B,) of their sum; never p = 0."""
    cumulated = p.cumsum(-1)
    reached = cumulated > uniforms[:, None] * cumulated[:, -1:] * (1 - 2**-20)  # below the sum, however it is rounded
    return (reached & (p > 0)).int().argmax(-1)


def pick(p: Tensor, uniforms: Tensor) -> Tensor:
    """(B,) indices drawn with probabilities ``p`` (B, N), by two numbers in [0, 1) each, ``uniforms`` (B, 2).

    The first chooses a block of about √N neighbours, the second one of the block. That takes 2·√N comparisons
    in place of N, and as few chances for a probability that differs in its last bit to change the draw.
    """
    size = p.shape[1]
    width = isqrt(size - 1) + 1
    whole = size // width
    sums = p[:, : whole * width].unflatten(1, (whole, width)).sum(-1)
    rest = p[:, whole * width :].sum(-1, keepdim=True)
    block = invert(torch.cat((sums, rest), 1), uniforms[:, 0])
    members = block[:, None] * width + torch.arange(width, device=p.device)
    inside = p.gather(1, members.clamp(max=size - 1)) * (members < size)
    return members.gather(1, invert(inside, uniforms[:, 1])[:, None]).squeeze(1)


def draw(scores: Tensor, settings: Settings, uniforms: Tensor) -> Tensor:
    """(B,) symbols drawn from softmax(scores) (B, V) as far as ``settings`` keep it, by ``uniforms`` (B, 2)."""
    if settings.temperature == 0:
        return scores.argmax(-1)
    if settings.top_k is None and settings.top_p is None:
        return pick(scores.softmax(-1), uniforms)
    scores, likeliest = scores.topk(min(settings.top_k or scores.shape[1], scores.shape[1]))
    p = scores.softmax(-1)
    if settings.top_p is not None:
        p = p * (p.cumsum(-1) - p < settings.top_p)
    return likeliest.gather(-1, pick(p, uniforms)[:, None]).squeeze(-1)


@torch.no_grad()  # in inference mode autocast would cast the weights at every step
def decode(
    network: Network,
    mask: Tensor,
    given: Tensor,
    settings: Settings,
    uniforms: Tensor,
    constraints: Sequence[Constraint] = (),
) -> Decoded:
    """Poems of the slots in ``mask``.

    Args:
        network: in evaluation mode.
        mask: (S, V) bool, what each slot admits.
        given: (B, S) int64, the symbol that a slot must have; −1 where the model draws one.
        settings: how it draws.
        uniforms: (B, S, 2) in [0, 1), the random numbers of each poem and slot.
        constraints: made for these B poems; what they leave is drawn from.

    Raises:
        InputError: the model's scores aren't numbers.
    """
    device = network.head.weight.device
    given, uniforms = given.to(device), uniforms.to(device)
    barred = torch.zeros(mask.shape, device=device).masked_fill_(~mask.to(device), IMPOSSIBLE)
    symbols = torch.full_like(given[:, 0], BOS)
    states = network.initial_state(len(given))
    log_likelihood = torch.zeros(len(given), device=device)
    dead_end = torch.full_like(symbols, -1)
    drawn = []
    for slot in range(len(mask)):
        logits, states = network.step(symbols, states)
        log_p = log_probabilities(network, logits)
        scores = torch.add(barred[slot], log_p, alpha=1 / (settings.temperature or 1))
        symbols, stuck = _choose(scores, slot, given[:, slot], settings, uniforms[:, slot], constraints)
        dead_end = torch.where(stuck & (dead_end < 0), slot, dead_end)
        log_likelihood += log_p.gather(-1, symbols[:, None]).squeeze(-1)
        drawn.append(symbols)
        for constraint in constraints:
            constraint.take(slot, symbols.cpu())
    return Decoded(torch.stack(drawn, 1), log_likelihood, dead_end)


def log_probabilities(network: Network, logits: Tensor) -> Tensor:
    """ln softmax(logits) (B, V) in float32, :data:`LEAST` at least.

    Raises:
        InputError: they aren't numbers.
    """
    log_p = logits.log_softmax(-1, dtype=torch.float32)
    if log_p[:, 0].isnan().any():  # one such logit, or an infinite one, makes the whole row so
        raise InputError(NOT_NUMBERS)
    # Only a bias can make a logit −∞, and to look at V of them takes less time than to clamp B · V.
    return log_p if network.head.bias.isfinite().all() else log_p.clamp(min=LEAST)


def _choose(
    scores: Tensor,
    slot: int,
    given: Tensor,
    settings: Settings,
    uniforms: Tensor,
    constraints: Sequence[Constraint],
) -> tuple[Tensor, Tensor]:
    """(B,) the symbols of a slot, and (B,) bool where nothing could stand; there it is any that the form admits."""
    free = given < 0
    if not constraints:
        return torch.where(free, draw(scores, settings, uniforms), given), torch.zeros_like(free)
    form, scores = scores, biased(scores, slot, constraints)
    stuck = free & (scores.amax(-1) == IMPOSSIBLE)
    if stuck.any():
        scores = torch.where(stuck[:, None], form, scores)
    symbols = torch.where(free, draw(scores, settings, uniforms), given)
    while (barred := refused(slot, symbols, constraints) & free & ~stuck).any():
        scores = scores.clone()
        scores[barred, symbols[barred]] = IMPOSSIBLE
        stuck = stuck | (barred & (scores.amax(-1) == IMPOSSIBLE))
        again = barred & ~stuck
        symbols = symbols.clone()
        symbols[again] = draw(scores[again], settings, uniforms[again])
    return symbols, stuck


def biased(scores: Tensor, slot: int, constraints: Sequence[Constraint]) -> Tensor:
    """(B, V) the scores of a slot's symbols with what the constraints add to them."""
    for constraint in constraints:
        if (bias := constraint.bias(slot)) is not None:
            scores = scores + bias.to(scores.device)
    return scores


def refused(slot: int, symbols: Tensor, constraints: Sequence[Constraint], rows: Tensor | None = None) -> Tensor:
    """(N,) bool: which of the symbols a constraint refuses, in the poems ``rows`` (N,) or in all."""
    found = torch.zeros_like(symbols, dtype=torch.bool)
    for constraint in constraints:
        if (refusal := constraint.refuses(slot, symbols.cpu(), rows)) is not None:
            found |= refusal.to(found.device)
    return found
