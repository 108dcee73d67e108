"""Beam search: the likeliest poems that can be found by keeping the best few beginnings."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tang.generation.constraint import IMPOSSIBLE, Tracker
from tang.generation.prefixes import Prefixes
from tang.generation.sampling import Decoded, biased, rejected
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
    """The likeliest poems found, ``size`` (K) of them or all there are, the best first; or one dead end.

    Prefixes are ranked by ln p of their symbols and the constraints' biases, finished poems by ln p alone.

    Args:
        given: (S,) int64, the id that a slot must have; −1 where the beam chooses.
        trackers: of the constraints of this one poem.
        mask, title: see :func:`~tang.generation.sampling.decode`, whose errors are raised here too.
    """
    prefixes, total = Prefixes(network, mask.shape[1], trackers, title), torch.zeros(1)
    for slot, id in enumerate(given.tolist()):
        log_p = prefixes.step()
        if id < 0:
            scores = total[:, None] + biased(log_p.masked_fill(~mask[slot], IMPOSSIBLE), slot, trackers)
            rows, symbols, total = _best(scores, slot, size, trackers)
            if not len(rows):
                return prefixes.dead_end(slot)
            prefixes.select(rows)
            log_p = log_p[rows, symbols]
        else:
            symbols, log_p = torch.full((len(prefixes),), id), log_p[:, id]
            total = total + log_p
        prefixes.append(slot, symbols, log_p)
    prefixes.select(prefixes.log_likelihood.argsort(descending=True))
    return prefixes.finished()


def _best(scores: Tensor, slot: int, size: int, trackers: Sequence[Tracker]) -> tuple[Tensor, Tensor, Tensor]:
    """The best continuations by ``scores`` (N, V): the rows of their prefixes, their symbols, and their scores."""
    while True:
        best, place = scores.flatten().topk(min(size, scores.numel()))
        best, place = best[best > IMPOSSIBLE], place[best > IMPOSSIBLE]
        rows, symbols = place // scores.shape[1], place % scores.shape[1]
        barred = rejected(slot, symbols, trackers, rows)
        if not barred.any():
            return rows, symbols, best
        scores[rows[barred], symbols[barred]] = IMPOSSIBLE
