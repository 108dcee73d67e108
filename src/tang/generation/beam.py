"""Beam search: the likeliest poems that can be found by keeping the best few prefixes of each."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tang.data.vocabulary import BOS
from tang.generation.constraint import IMPOSSIBLE, Tracker
from tang.generation.sampling import Decoded, after_title, biased, rejected, step
from tang.tasks.network import Network


@torch.no_grad()
def search(
    network: Network,
    mask: Tensor,
    given: Tensor,
    size: int,
    trackers: Sequence[Tracker] = (),
    title: Sequence[int] = (),
) -> Decoded:
    """The ``size`` (K) best poems for each of B prompts, best first: B·K of them, on the CPU.

    Prefixes are ranked by ln p of their symbols and the constraints' biases, finished poems by ln p alone. Where there
    are fewer than K poems, the others are dead ends. Other arguments and errors are those of
    :func:`~tang.generation.sampling.decode`.
    """
    poems, slots = given.shape
    form_mask = torch.zeros(mask.shape).masked_fill_(~mask, IMPOSSIBLE)
    copies = torch.arange(poems).repeat_interleave(size)
    for tracker in trackers:
        tracker.select(copies)
    given, symbols = given[copies], torch.full((poems * size,), BOS)
    states = after_title(network, title, poems * size)
    # All K prefixes are empty at first: only one of them counts, or the beam would be K copies of the best.
    total = torch.full((poems, size), IMPOSSIBLE)
    total[:, 0] = 0.0
    log_likelihood = torch.zeros(poems * size)
    drawn = torch.empty(poems * size, 0, dtype=torch.long)
    dead_end = torch.full((poems * size,), -1)
    for slot in range(slots):
        log_p, states = step(network, symbols, states, mask.shape[1])
        scores = biased(form_mask[slot] + log_p, slot, trackers)
        is_given = given[:, slot] >= 0
        only = torch.full_like(scores, IMPOSSIBLE).scatter_(1, given[:, slot].clamp(min=0)[:, None], 0.0)
        scores = torch.where(is_given[:, None], only + log_p, scores)
        rows, symbols, total = _best(scores, slot, total, is_given, trackers)
        states = [tuple(part[rows] for part in state) for state in states]
        for tracker in trackers:
            tracker.select(rows)
            tracker.take(slot, symbols)
        log_likelihood = log_likelihood[rows] + log_p[rows, symbols]
        is_dead = total.flatten() == IMPOSSIBLE
        dead_end = torch.where(is_dead, dead_end[rows].where(dead_end[rows] >= 0, slot), -1)
        drawn = torch.cat((drawn[rows], symbols[:, None]), 1)
    order = log_likelihood.masked_fill(dead_end >= 0, IMPOSSIBLE).view(poems, size).argsort(1, descending=True)
    rows = (order + torch.arange(poems)[:, None] * size).flatten()
    for tracker in trackers:
        tracker.select(rows)
    return Decoded(drawn[rows], log_likelihood[rows], dead_end[rows])


def _best(
    scores: Tensor, slot: int, total: Tensor, is_given: Tensor, trackers: Sequence[Tracker]
) -> tuple[Tensor, Tensor, Tensor]:
    """The best continuations: rows (B·K,) of their prefixes, their next symbols (B·K,), their total scores (B, K)."""
    poems, size = total.shape
    while True:
        # The best K symbols of each prefix suffice, so the search is over K · K and not over K · V.
        candidates, symbols = scores.topk(min(size, scores.shape[1]))
        width = candidates.shape[1]
        sums = total[:, :, None] + candidates.view(poems, size, width)
        best, place = sums.flatten(1).topk(size)
        rows = (torch.arange(poems)[:, None] * size + place // width).flatten()
        chosen = symbols[rows, (place % width).flatten()]
        barred = rejected(slot, chosen, trackers, rows) & ~is_given[rows] & (best.flatten() > IMPOSSIBLE)
        if not barred.any():
            return rows, chosen, best
        scores = scores.clone()
        scores[rows[barred], chosen[barred]] = IMPOSSIBLE
