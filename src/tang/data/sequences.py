"""Sequences of ids, and their files, which are mapped into memory."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tang.data.vocabulary import BOS


@dataclass(frozen=True)
class Sequences:
    """Sequences of ids ``<bos> … <eos>``, and perhaps their titles."""

    tokens: np.ndarray  # Those of all sequences, one after another
    offsets: np.ndarray  # (N + 1,) the start of each sequence in tokens, then the end of the last one
    titles: "Sequences | None" = None  # The characters of each title alone

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]

    @property
    def lengths(self) -> np.ndarray:
        """(N,) targets of each sequence: its characters and its end."""
        return np.diff(self.offsets) - 1

    def target_counts(self, vocabulary_size: int) -> np.ndarray:
        """(V,) how often each id is to be predicted."""
        counts = np.bincount(self.tokens[self.offsets[0] : self.offsets[-1]], minlength=vocabulary_size)
        counts[BOS] = 0
        return counts

    def part(self, first: int, last: int) -> "Sequences":
        """The sequences from ``first`` to before ``last``; their tokens aren't copied."""
        titles = self.titles and self.titles.part(first, last)
        return Sequences(self.tokens, self.offsets[first : last + 1], titles)


def save(folder: Path, names: tuple[str, str], sequences: Iterable[list[int]]) -> None:
    """Write the tokens of ``sequences`` and their offsets."""
    tokens, offsets = array("i"), [0]  # a list of tokens would take several times the memory
    for sequence in sequences:
        tokens.extend(sequence)
        offsets.append(len(tokens))
    np.save(folder / names[0], np.array(tokens, dtype=np.int32))
    np.save(folder / names[1], np.array(offsets, dtype=np.int64))


def load(folder: Path, names: tuple[str, str], titles: Sequences | None = None) -> Sequences:
    """The sequences that :func:`save` wrote, mapped into memory, with their ``titles``."""
    # Mode "c" maps copy-on-write: PyTorch wants arrays that are writable, and the files stay as they are.
    tokens, offsets = (np.load(folder / name, mmap_mode="c") for name in names)
    return Sequences(tokens, offsets, titles)
