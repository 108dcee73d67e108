"""Filling gaps: sequential Monte Carlo, so that what is written fits what follows.

Many beginnings, the particles, are written side by side. Where a character is drawn they go apart; where one is given
each is weighted by the probability that the model gives it, and those that don't lead there die out::

    given                    白 日 依 山 尽 ，□ □ □ □ □ 。欲 穷 千 里 目 ，…
    distinct particles        1  1  1  1  1 1  P  P  P  P  P P   weighted, and thinned out
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tang.data.vocabulary import BOS
from tang.generation.constraint import IMPOSSIBLE, Tracker
from tang.generation.sampling import Decoded, SamplingOptions, after_title, biased, choose, step
from tang.tasks.network import Network


class Filled(NamedTuple):
    """K distinct poems, the likeliest first; or one dead end, if all particles were."""

    decoded: Decoded
    weights: Tensor  # (K,) their probabilities given what stands around the gaps; they sum to 1


@torch.no_grad()
def fill(
    network: Network,
    mask: Tensor,
    given: Tensor,
    size: int,
    temperature: float,
    random: np.random.Generator,
    trackers: Sequence[Tracker] = (),
    title: Sequence[int] = (),
) -> Filled:
    """Fill the gaps of a poem by ``size`` (P) particles: draws from p(poem)^(1/temperature) under the constraints.

    The particles are drawn from the model slot by slot. The weights make up for what that leaves out: a drawn slot
    counts the share of the model's probability that the constraints leave, a given one the probability of its symbol.
    When the effective number of particles (Σw)² / Σw² falls below P/2, they are drawn anew by their weights (Doucet and
    Johansen 2009, A Tutorial on Particle Filtering and Smoothing), as evenly as can be.

    Args:
        given: (S,) int64, the id that a slot must have; −1 in gaps.
        random: the poem's random numbers.
        trackers: of the constraints of this one poem.
        mask, title: see :func:`~tang.generation.sampling.decode`, whose errors are raised here too.
    """
    device = network.head.weight.device
    options = SamplingOptions(temperature)
    states = after_title(network, title, 1)
    symbols, counts, log_weights = torch.tensor([BOS], device=device), torch.tensor([size]), torch.zeros(1)
    log_likelihood, ids = torch.zeros(1), torch.empty(1, 0, dtype=torch.long)

    def select(rows: Tensor) -> None:
        nonlocal states, symbols, log_likelihood, ids
        states = [tuple(part[rows.to(device)] for part in state) for state in states]
        symbols, log_likelihood, ids = symbols[rows.to(device)], log_likelihood[rows], ids[rows]
        for tracker in trackers:
            tracker.select(rows)

    for slot, id in enumerate(given.tolist()):
        if id < 0 and len(symbols) < size:
            rows = resampled(log_weights, size, random)
            select(rows)
            counts, log_weights = torch.ones(size, dtype=torch.long), torch.zeros(size)
        log_p, states = step(network, symbols, states, mask.shape[1])
        log_p = log_p.cpu()
        scores = (log_p / temperature).masked_fill(~mask[slot], IMPOSSIBLE)
        if id < 0:
            admitted = biased(scores, slot, trackers)
            uniforms = torch.from_numpy(random.random((size, 2), dtype=np.float32))
            free = torch.full((size,), -1)
            drawn, is_stuck = choose(scores, admitted, slot, free, options, uniforms, trackers)
            gain = scores.masked_fill(admitted == IMPOSSIBLE, IMPOSSIBLE).logsumexp(-1)
            gain = gain.masked_fill(is_stuck, IMPOSSIBLE)
        else:
            drawn = torch.full((len(symbols),), id)
            gain = log_p[:, id] / temperature
        log_weights = log_weights + gain
        log_likelihood = log_likelihood + log_p.gather(1, drawn[:, None])[:, 0]
        symbols, ids = drawn.to(device), torch.cat((ids, drawn[:, None]), 1)
        for tracker in trackers:
            tracker.take(slot, drawn)
        if log_weights.amax() == IMPOSSIBLE:
            return Filled(Decoded(ids[:1], log_likelihood[:1], torch.tensor([slot])), torch.zeros(1))
        if id >= 0 and effective_number(log_weights, counts) < size / 2:
            rows, counts = resampled(log_weights, size, random).unique_consecutive(return_counts=True)
            select(rows)
            log_weights = counts.log()
    alive = (log_weights > IMPOSSIBLE).nonzero()[:, 0]
    distinct, owners = ids[alive].unique(dim=0, return_inverse=True)
    weights = torch.zeros(len(distinct)).index_add_(0, owners, log_weights[alive].softmax(0))
    rows = alive.new_zeros(len(distinct)).scatter_(0, owners, alive)
    order = log_likelihood[rows].argsort(descending=True)
    select(rows[order])
    return Filled(Decoded(ids, log_likelihood, torch.full((len(ids),), -1)), weights[order])


def effective_number(log_weights: Tensor, counts: Tensor) -> float:
    """How many equally weighted particles are worth as much; a row stands for ``counts`` (K,) of them."""
    weights = log_weights.softmax(0)
    return float(1 / (weights.square() / counts).sum())


def resampled(log_weights: Tensor, size: int, random: np.random.Generator) -> Tensor:
    """(size,) rows drawn by their weights (K,), ascending: at equal distances, from one random number on."""
    cumulative = log_weights.double().softmax(0).cumsum(0)
    points = (torch.arange(size) + random.random()) / size * cumulative[-1]
    return torch.searchsorted(cumulative, points, right=True).clamp(max=len(cumulative) - 1)
