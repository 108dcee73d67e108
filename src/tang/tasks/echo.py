"""What stands above a character: the input beside the character before it, by which an LSTM hears rhyme."""

import torch
from torch import Tensor, nn

from tang.data.vocabulary import BOS, PAD

MAX_PLACE = 64  # Places in a line that are told apart


def above(ids: Tensor, ends: Tensor, lines: int, line_length: int | None = None) -> tuple[Tensor, Tensor]:
    """What stands above the character after each of ``ids`` (B, T): at its place in the lines before; and that place.

    ::

        ids                  <bos> 日  照  ，  月  明  。      T = 7
        place of the next       0   1   2   0   1   2   0
        one line above          –   –   –  日  照  ，  月
        two lines above         –   –   –   –   –   –  日

    A line has its mark at its end. A title before ``<bos>`` isn't a line.

    Args:
        ends: (V,) bool, the symbols after which a line begins.
        lines: K, how many lines to look up.
        line_length: of all lines, where no marks show their ends.

    Returns:
        (B, T, K) the ids one, two, … K lines above, PAD where there is none; (B, T) the places, from 0.
    """
    length = ids.shape[1]
    steps = torch.arange(length, device=ids.device).expand_as(ids)
    first = torch.where(ids == BOS, steps, length).amin(1, keepdim=True)  # a title stands before it
    is_end = ends[ids] if line_length is None else (steps - first) % line_length == 0
    # The last step before each next character after which a line begins: that line's characters begin one later.
    begins = torch.where(is_end & (steps >= first), steps, first).cummax(1).values
    place = (steps - begins).clamp(min=0)
    found = []
    end = begins
    for _ in range(lines):
        exists = end > first
        begin = begins.gather(1, (end - 1).clamp(min=0))
        there = begin + 1 + place
        exists = exists & (there <= end)
        found.append(ids.gather(1, there.clamp(max=length - 1)).where(exists, PAD))
        end = begin
    return torch.stack(found, -1) if found else ids.new_empty(*ids.shape, 0), place


class Echo(nn.Module):
    """Embeds what stands above the next character, and its place in the line: (B, T) → (B, T, (K + 1)·size).

    Args:
        ends, lines, line_length: see :func:`above`.
        size: of each embedding.
    """

    ends: Tensor

    def __init__(self, ends: Tensor, size: int, lines: int, line_length: int | None) -> None:
        super().__init__()
        self.register_buffer("ends", ends, persistent=False)
        self.line_length = line_length
        self.lines = nn.ModuleList(nn.Embedding(len(ends), size) for _ in range(lines))
        self.place = nn.Embedding(MAX_PLACE, size)
        self.size = (lines + 1) * size
        for embedding in (*self.lines, self.place):
            nn.init.normal_(embedding.weight, std=size**-0.5)

    def forward(self, ids: Tensor) -> Tensor:
        return self._embedded(*above(ids, self.ends, len(self.lines), self.line_length))

    def last(self, ids: Tensor) -> Tensor:
        """(B, (K + 1)·size) what stands above the character after all of ``ids`` (B, T)."""
        symbols, place = above(ids, self.ends, len(self.lines), self.line_length)
        return self._embedded(symbols[:, -1], place[:, -1])

    def _embedded(self, symbols: Tensor, place: Tensor) -> Tensor:
        heard = [embed(symbols[..., line]) for line, embed in enumerate(self.lines)]
        return torch.cat([*heard, self.place(place.clamp(max=MAX_PLACE - 1))], -1)
