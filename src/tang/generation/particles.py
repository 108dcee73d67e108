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

from tang.generation.constraint import IMPOSSIBLE, Tracker
from tang.generation.prefixes import Prefixes
from tang.generation.sampling import Decoded, SamplingOptions, biased, rejected, sample_symbol
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
    counts the share of the model's probability that the constraints leave, a given one the probability of its symbol,
    and a particle whose symbol is rejected counts nothing. When the effective number of particles (Σw)² / Σw² falls
    below P/2, they are drawn anew by their weights (Doucet and Johansen 2009, A Tutorial on Particle Filtering and
    Smoothing), as evenly as can be.

    Args:
        given: (S,) int64, the id that a slot must have; −1 in gaps.
        random: the poem's random numbers.
        trackers: of the constraints of this one poem.
        mask, title: see :func:`~tang.generation.sampling.decode`, whose errors are raised here too.
    """
    options, width = SamplingOptions(temperature), mask.shape[1]
    prefixes, counts, log_weights = Prefixes(network, width, trackers, title), torch.tensor([size]), torch.zeros(1)
    for slot, id in enumerate(given.tolist()):
        if id < 0 and len(prefixes) < size:
            prefixes.select(resampled(log_weights, size, random))
            counts, log_weights = torch.ones(size, dtype=torch.long), torch.zeros(size)
        log_p = prefixes.step()
        if id < 0:
            scores = (log_p / temperature).masked_fill(~mask[slot], IMPOSSIBLE)
            admitted = biased(scores, slot, trackers)
            uniforms = torch.from_numpy(random.random((size, 2), dtype=np.float32))
            symbols = sample_symbol(admitted, options, uniforms)
            gain = scores.masked_fill(admitted == IMPOSSIBLE, IMPOSSIBLE).logsumexp(-1)
            gain = gain.masked_fill(rejected(slot, symbols, trackers), IMPOSSIBLE)
        else:
            symbols = torch.full((len(prefixes),), id)
            gain = log_p[:, id] / temperature
        log_weights = log_weights + gain
        if log_weights.amax() == IMPOSSIBLE:
            return Filled(prefixes.dead_end(slot), torch.zeros(1))
        prefixes.append(slot, symbols, log_p.gather(1, symbols[:, None])[:, 0])
        if effective_number(log_weights, counts) < size / 2:
            rows, counts = resampled(log_weights, size, random).unique_consecutive(return_counts=True)
            prefixes.select(rows)
            log_weights = counts.log()
    alive = (log_weights > IMPOSSIBLE).nonzero()[:, 0]
    distinct, owners = prefixes.ids[alive].unique(dim=0, return_inverse=True)
    weights = torch.zeros(len(distinct)).index_add_(0, owners, log_weights[alive].softmax(0))
    rows = alive.new_zeros(len(distinct)).scatter_(0, owners, alive)
    order = prefixes.log_likelihood[rows].argsort(descending=True)
    prefixes.select(rows[order])
    return Filled(prefixes.finished(), weights[order])


def effective_number(log_weights: Tensor, counts: Tensor) -> float:
    """How many equally weighted particles are worth as much; a row stands for ``counts`` (K,) of them."""
    weights = log_weights.softmax(0)
    return float(1 / (weights.square() / counts).sum())


def resampled(log_weights: Tensor, size: int, random: np.random.Generator) -> Tensor:
    """(size,) rows drawn by their weights (K,), ascending: at equal distances, from one random number on."""
    cumulative = log_weights.double().softmax(0).cumsum(0)
    points = (torch.arange(size) + random.random()) / size * cumulative[-1]
    return torch.searchsorted(cumulative, points, right=True).clamp(max=len(cumulative) - 1)
