"""Beam search: the likeliest poems that can be found by keeping a few beginnings of each."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tang.data.vocabulary import BOS
from tang.generation.constraints import IMPOSSIBLE, Constraint
from tang.generation.sampling import Decoded, biased, log_probabilities, refused
from tang.tasks.network import Network


@torch.no_grad()
def search(network: Network, mask: Tensor, given: Tensor, size: int, constraints: Sequence[Constraint] = ()) -> Decoded:
    """The ``size`` best poems for each of B starts, best first: B·size of them.

    Beginnings are kept by ln p of their symbols and what constraints add to it, poems come by ln p alone. Where there
    are fewer than ``size``, the others are dead ends. All is on the CPU.

    Args:
        network, mask, given: as for :func:`~tang.generation.sampling.decode`.
        size: K beginnings that are kept at a time.
        constraints: made for B poems.

    Raises:
        InputError: the model's scores aren't numbers.
    """
    poems, slots = given.shape
    barred = torch.zeros(mask.shape).masked_fill_(~mask, IMPOSSIBLE)
    everything = torch.arange(poems).repeat_interleave(size)
    for constraint in constraints:
        constraint.select(everything)
    given = given[everything]
    symbols = torch.full((poems * size,), BOS)
    states = network.initial_state(poems * size)
    # The first beginning of a poem is the only one, until it has gone on in several ways.
    total = torch.full((poems, size), IMPOSSIBLE)
    total[:, 0] = 0.0
    log_likelihood = torch.zeros(poems * size)
    drawn = torch.empty(poems * size, 0, dtype=torch.long)
    dead_end = torch.full((poems * size,), -1)
    for slot in range(slots):
        logits, states = network.step(symbols, states)
        log_p = log_probabilities(network, logits)
        scores = biased(barred[slot] + log_p, slot, constraints)
        is_given = given[:, slot] >= 0
        only = torch.full_like(scores, IMPOSSIBLE).scatter_(1, given[:, slot].clamp(min=0)[:, None], 0.0)
        scores = torch.where(is_given[:, None], only + log_p, scores)
        rows, symbols, total = _best(scores, slot, total, is_given, constraints)
        states = [tuple(part[rows] for part in state) for state in states]
        for constraint in constraints:
            constraint.select(rows)
            constraint.take(slot, symbols)
        log_likelihood = log_likelihood[rows] + log_p[rows, symbols]
        dead_end = torch.where((total.flatten() == IMPOSSIBLE) & (dead_end[rows] < 0), slot, dead_end[rows])
        dead_end[total.flatten() > IMPOSSIBLE] = -1
        drawn = torch.cat((drawn[rows], symbols[:, None]), 1)
    # What constraints added was for the search alone.
    ranks = log_likelihood.masked_fill(dead_end >= 0, IMPOSSIBLE).view(poems, size).argsort(1, descending=True)
    rows = (ranks + torch.arange(poems)[:, None] * size).flatten()
    for constraint in constraints:
        constraint.select(rows)
    return Decoded(drawn[rows], log_likelihood[rows], dead_end[rows])


def _best(
    scores: Tensor, slot: int, total: Tensor, is_given: Tensor, constraints: Sequence[Constraint]
) -> tuple[Tensor, Tensor, Tensor]:
    """Rows (B·K,) of the beginnings that are kept, the symbols (B·K,) they go on with, and what they score (B, K)."""
    poems, size = total.shape
    while True:
        # Of each beginning its K best, so that the search is over K · K and not over K · V.
        candidates, symbols = scores.topk(min(size, scores.shape[1]))
        sums = total[:, :, None] + candidates.view(poems, size, -1)
        best, place = sums.flatten(1).topk(size)
        width = candidates.shape[1]
        rows = (torch.arange(poems)[:, None] * size + place // width).flatten()
        chosen = symbols[rows, (place % width).flatten()]
        barred = refused(slot, chosen, constraints, rows) & ~is_given[rows] & (best.flatten() > IMPOSSIBLE)
        if not barred.any():
            return rows, chosen, best
        scores = scores.clone()
        scores[rows[barred], chosen[barred]] = IMPOSSIBLE
