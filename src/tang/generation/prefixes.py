"""The beginnings of one poem that are carried along side by side, by a beam or by particles."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tang.data.vocabulary import BOS
from tang.generation.constraint import Tracker
from tang.generation.sampling import Decoded, after_title, step
from tang.tasks.network import Network


class Prefixes:
    """N beginnings of a poem, one at first. What all have in common is read once::

        given           白 日 依 山 尽 ，□ □ □ □ □ 。欲 穷 千 里 目 ，…
        N                1  1  1  1  1 1  1  K  K  K  K K  K …

    Args:
        width: V, the symbols that ln p is asked of.
        trackers: of this one poem's constraints; they follow.
    """

    def __init__(self, network: Network, width: int, trackers: Sequence[Tracker], title: Sequence[int]) -> None:
        self.network, self.width, self.trackers = network, width, trackers
        self.states = after_title(network, title, 1)
        self.symbols = torch.tensor([BOS], device=network.head.weight.device)
        self.ids, self.log_likelihood = torch.empty(1, 0, dtype=torch.long), torch.zeros(1)  # (N, slots), (N,)

    def __len__(self) -> int:
        return len(self.symbols)

    def step(self) -> Tensor:
        """(N, V) ln p of the next symbol, on the CPU."""
        log_p, self.states = step(self.network, self.symbols, self.states, self.width)
        return log_p.cpu()

    def select(self, rows: Tensor) -> None:
        """Replace the beginnings by copies of the beginnings ``rows`` (N',)."""
        on_device = rows.to(self.symbols.device)
        self.states = [tuple(part[on_device] for part in state) for state in self.states]
        self.symbols, self.ids, self.log_likelihood = self.symbols[on_device], self.ids[rows], self.log_likelihood[rows]
        for tracker in self.trackers:
            tracker.select(rows)

    def append(self, slot: int, symbols: Tensor, log_p: Tensor) -> None:
        """Append ``symbols`` (N,), whose ln p are ``log_p`` (N,)."""
        self.symbols, self.ids = symbols.to(self.symbols.device), torch.cat((self.ids, symbols[:, None]), 1)
        self.log_likelihood = self.log_likelihood + log_p
        for tracker in self.trackers:
            tracker.take(slot, symbols)

    def finished(self) -> Decoded:
        """The beginnings as poems."""
        return Decoded(self.ids, self.log_likelihood, torch.full_like(self.symbols, -1).cpu())

    def dead_end(self, slot: int) -> Decoded:
        """One poem that ended in a slot for which no beginning had a symbol left."""
        return Decoded(self.ids[:1], self.log_likelihood[:1], torch.tensor([slot]))
