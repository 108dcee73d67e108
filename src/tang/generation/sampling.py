"""Sampling from a language model, slot by slot, all poems of a batch at once.

The hidden state is carried along: a character costs one step, however long the poem. Each poem is drawn by random
numbers of its own, so that it doesn't depend on others in the batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import NamedTuple

import torch
from torch import Tensor

from tang.data.vocabulary import BOS, UNK
from tang.errors import InputError
from tang.generation.constraint import IMPOSSIBLE, Tracker
from tang.recurrent.layer import State
from tang.tasks.network import Network

NOT_NUMBERS = "the model's scores are not numbers: its weights are broken; take another checkpoint"

# The smallest ln p of a symbol, even of one that the model gives −∞: where nothing else may stand, it can be drawn.
MIN_LOG_P = -1e4


@dataclass(frozen=True)
class SamplingOptions:
    """How symbols are drawn from the model's distribution."""

    temperature: float  # divides the logits; 0 takes the likeliest symbol
    top_k: int | None = None  # draw from so many of the likeliest symbols that the slot admits
    top_p: float | None = None  # draw from the fewest symbols whose probabilities sum to this (Holtzman et al. 2020)


class Decoded(NamedTuple):
    """B decoded poems."""

    ids: Tensor  # (B, S) int64
    log_likelihood: Tensor  # (B,) ln p of all S symbols under the model alone: no mask, temperature 1
    dead_end: Tensor  # (B,) the first slot in which the constraints left no symbol, and were broken; −1: there is none


def inverse_cdf(p: Tensor, uniforms: Tensor) -> Tensor:
    """(B,) the smallest index whose cumulative ``p`` (B, N) exceeds ``uniforms`` (B,) · Σp; never one with p = 0."""
    cumulative = p.cumsum(-1)
    reached = cumulative > uniforms[:, None] * cumulative[:, -1:] * (1 - 2**-20)  # below the sum, whatever the rounding
    return (reached & (p > 0)).int().argmax(-1)


def sample_index(p: Tensor, uniforms: Tensor) -> Tensor:
    """(B,) indices drawn with probabilities ``p`` (B, N), by two numbers in [0, 1) each, ``uniforms`` (B, 2).

    The first number picks a block of about √N neighbors by the blocks' sums, the second an index in the block::

        p          .1 .0 .2 .1 | .0 .1 .1 .2 | .1 .1         N = 10, blocks of 4, the last one short
        sums            .4     |      .4     |   .2          uniforms[0] = .6: the second block
        members                  .0 .1 .1 .2                 uniforms[1] = .3: its third index, 6

    That takes 2·√N comparisons in place of N, and as few chances for a probability that differs in its last bit to
    change the draw.
    """
    size = p.shape[1]
    width = isqrt(size - 1) + 1
    whole = size // width
    sums = p[:, : whole * width].unflatten(1, (whole, width)).sum(-1)
    rest = p[:, whole * width :].sum(-1, keepdim=True)
    block = inverse_cdf(torch.cat((sums, rest), 1), uniforms[:, 0])
    members = block[:, None] * width + torch.arange(width, device=p.device)
    inside = p.gather(1, members.clamp(max=size - 1)) * (members < size)
    return members.gather(1, inverse_cdf(inside, uniforms[:, 1])[:, None]).squeeze(1)


def sample_symbol(scores: Tensor, options: SamplingOptions, uniforms: Tensor) -> Tensor:
    """(B,) symbols drawn from softmax(scores) (B, V), cut by ``options``, with the numbers ``uniforms`` (B, 2)."""
    if options.temperature == 0:
        return scores.argmax(-1)
    if options.top_k is None and options.top_p is None:
        return sample_index(scores.softmax(-1), uniforms)
    scores, likeliest = scores.topk(min(options.top_k or scores.shape[1], scores.shape[1]))
    p = scores.softmax(-1)
    if options.top_p is not None:
        p = p * (p.cumsum(-1) - p < options.top_p)
    return likeliest.gather(-1, sample_index(p, uniforms)[:, None]).squeeze(-1)


@torch.no_grad()  # in inference mode autocast would cast the weights at every step
def decode(
    network: Network,
    mask: Tensor,
    given: Tensor,
    options: SamplingOptions,
    uniforms: Tensor,
    trackers: Sequence[Tracker] = (),
    title: Sequence[int] = (),
) -> Decoded:
    """Sample B poems from a network in evaluation mode; an InputError if its scores aren't numbers.

    Args:
        mask: (S, V) bool, whether a slot admits a symbol; of more symbols than the network has, see :func:`step`.
        given: (B, S) int64, the id that a slot must have; −1 where the model draws one.
        uniforms: (B, S, 2) in [0, 1), the random numbers of each poem and slot.
        trackers: of these B poems' constraints.
        title: the ids that the network reads before the poems.
    """
    device = network.head.weight.device
    given, uniforms = given.to(device), uniforms.to(device)
    form_mask = torch.zeros(mask.shape, device=device).masked_fill_(~mask.to(device), IMPOSSIBLE)
    symbols = torch.full_like(given[:, 0], BOS)
    states = after_title(network, title, len(given))
    log_likelihood = torch.zeros(len(given), device=device)
    dead_end = torch.full_like(symbols, -1)
    drawn = []
    for slot in range(len(mask)):
        log_p, states = step(network, symbols, states, mask.shape[1])
        scores = torch.add(form_mask[slot], log_p, alpha=1 / (options.temperature or 1))
        biased_scores = biased(scores, slot, trackers)
        symbols, stuck = choose(scores, biased_scores, slot, given[:, slot], options, uniforms[:, slot], trackers)
        dead_end = torch.where(stuck & (dead_end < 0), slot, dead_end)
        log_likelihood += log_p.gather(-1, symbols[:, None]).squeeze(-1)
        drawn.append(symbols)
        for tracker in trackers:
            tracker.take(slot, symbols.cpu())
    return Decoded(torch.stack(drawn, 1), log_likelihood, dead_end)


def after_title(network: Network, title: Sequence[int], count: int) -> list[State]:
    """The state of a network that has read a title, for ``count`` poems."""
    states = network.initial_state(1)
    for id in title:
        _, states = network.step(torch.tensor([id], device=network.head.weight.device), states)
    return [tuple(part.repeat(count, 1) for part in state) for state in states]


def step(network: Network, symbols: Tensor, states: list[State], width: int) -> tuple[Tensor, list[State]]:
    """ln p (B, ``width``) of the next symbol, and the states, after one more symbol (B,).

    Ids from V on are characters that a poem is given though the model doesn't know them: it reads and scores ``<unk>``.
    """
    known = network.head.out_features
    logits, states = network.step(symbols.where(symbols < known, UNK), states)
    log_p = log_probabilities(network, logits)
    if width > known:
        log_p = torch.cat((log_p, log_p[:, UNK, None].expand(-1, width - known)), 1)
    return log_p, states


def log_probabilities(network: Network, logits: Tensor) -> Tensor:
    """ln softmax(logits) (B, V) in float32, at least :data:`MIN_LOG_P`; an InputError if they aren't numbers."""
    log_p = logits.log_softmax(-1, dtype=torch.float32)
    if log_p[:, 0].isnan().any():  # one NaN or infinite logit makes the whole row NaN
        raise InputError(NOT_NUMBERS)
    # Only a bias can make a logit −∞, and checking V of them takes less time than clamping B · V.
    return log_p if network.head.bias.isfinite().all() else log_p.clamp(min=MIN_LOG_P)


def choose(
    by_form: Tensor,
    scores: Tensor,
    slot: int,
    given: Tensor,
    options: SamplingOptions,
    uniforms: Tensor,
    trackers: Sequence[Tracker],
) -> tuple[Tensor, Tensor]:
    """(B,) the symbols of a slot, and (B,) bool where the constraints leave none; there the form alone decides.

    Args:
        by_form: (B, V) scores under the form alone.
        scores: (B, V) the same, :func:`biased` by the trackers.
        given: (B,) the ids that the slot must have; −1 where one is drawn.
        options, uniforms, trackers: see :func:`decode`; ``uniforms`` (B, 2) are the slot's.
    """
    free = given < 0
    if not trackers:
        return torch.where(free, sample_symbol(scores, options, uniforms), given), torch.zeros_like(free)
    stuck = free & (scores.amax(-1) == IMPOSSIBLE)
    if stuck.any():
        scores = torch.where(stuck[:, None], by_form, scores)
    symbols = torch.where(free, sample_symbol(scores, options, uniforms), given)
    # A symbol that is rejected is barred and drawn again by the same numbers, until none is.
    while (barred := rejected(slot, symbols, trackers) & free & ~stuck).any():
        scores = scores.clone()
        scores[barred, symbols[barred]] = IMPOSSIBLE
        stuck = stuck | (barred & (scores.amax(-1) == IMPOSSIBLE))
        again = barred & ~stuck
        symbols = symbols.masked_scatter(again, sample_symbol(scores[again], options, uniforms[again]))
    return symbols, stuck


def biased(scores: Tensor, slot: int, trackers: Sequence[Tracker]) -> Tensor:
    """(B, V) the scores of a slot's symbols with the biases of all trackers added."""
    for tracker in trackers:
        if (bias := tracker.bias(slot)) is not None:
            scores = scores + bias.to(scores.device)
    return scores


def rejected(slot: int, symbols: Tensor, trackers: Sequence[Tracker], rows: Tensor | None = None) -> Tensor:
    """(N,) bool: which of ``symbols`` (N,) a tracker rejects, in the poems ``rows`` (N,) or in all."""
    found = torch.zeros_like(symbols, dtype=torch.bool)
    for tracker in trackers:
        if (rejection := tracker.rejects(slot, symbols.cpu(), rows)) is not None:
            found |= rejection.to(found.device)
    return found
