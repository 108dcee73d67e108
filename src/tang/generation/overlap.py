"""Overlap of a poem with the training split: its lines, and spans of characters in a row, that stand there too."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tang.data.sequences import Sequences
from tang.data.vocabulary import BOS, EOS, PAD, UNK, Vocabulary
from tang.text.forms import PUNCTUATION, hanzi, regulated_form

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # an odd number, whose powers weigh the ids of a line or span in its hash


@dataclass(frozen=True)
class Spans:
    """An index of the training split's lines and of its spans of up to ``size`` Chinese characters.

    A span lies within one poem, may cross the end of a line (marks are left out) and holds no ``<unk>``. Lines and
    spans are hashes of 64 bits in sorted arrays.
    """

    size: ClassVar[int] = 5  # a span of so many characters counts as copied

    lines: np.ndarray  # distinct
    shorter: tuple[np.ndarray, ...]  # the spans of 1, 2, 3 and 4 characters, distinct
    windows: np.ndarray  # all spans of ``size``
    positions: np.ndarray  # the position in the training split at which each of ``windows`` begins

    @classmethod
    def of(cls, sequences: Sequences, vocabulary: Vocabulary) -> "Spans":
        """Index ``sequences``.

        Lines end at marks. In a corpus without marks, a poem of as many characters as one of the four regulated forms
        is cut as that form's, and other poems have no lines.
        """
        symbols = vocabulary.symbols
        is_hanzi = np.array([bool(hanzi(symbol)) for symbol in symbols])
        is_mark = np.array([symbol in PUNCTUATION for symbol in symbols])
        begins_line = np.array(vocabulary.begins_line)
        tokens = sequences.tokens[sequences.offsets[0] : sequences.offsets[-1]]
        is_character = is_hanzi[tokens] | (tokens == UNK)
        lines = tokens[is_character], begins_line[tokens].cumsum()[is_character]
        if not is_mark[tokens].any():
            lines = _regulated_lines(sequences)

        # The poems one after another without marks; PAD stands between them and for unknown characters.
        characters = np.where(is_hanzi[tokens], tokens, PAD)[~is_mark[tokens]]
        shorter = tuple(_distinct(_hashes(characters, size)) for size in range(1, cls.size))
        windows = _hashes(characters, cls.size)
        order = np.argsort(windows, kind="stable")[np.count_nonzero(windows == 0) :]
        return cls(_distinct(_line_hashes(*lines)), shorter, windows[order], order.astype(np.int32))

    def is_copied(self, windows: np.ndarray) -> np.ndarray:
        """(N,) bool: whether each of the windows (N, ``size``) stands in the training split."""
        return _is_in(_hash(windows), self.windows)

    def has_line(self, line: Sequence[int]) -> bool:
        """Whether the training split has this whole line; lines with ``<unk>`` count as new."""
        return UNK not in line and bool(_is_in(_hash(np.array([line])), self.lines).all())

    def longest(self, poems: Sequence[Sequence[int]]) -> np.ndarray:
        """(N,) the length of each poem's longest span that stands in one poem of the training split, in characters.

        ``poems`` are the ids of Chinese characters; ``<unk>`` matches nothing.
        """
        owners = np.repeat(np.arange(len(poems)), [len(poem) + 1 for poem in poems])
        characters = np.array([*chain.from_iterable((*poem, PAD) for poem in poems), *[PAD] * (self.size - 1)])
        longest = np.zeros(len(poems), dtype=np.int64)
        for size, known in enumerate(self.shorter, start=1):
            is_there = _is_in(_hashes(characters, size)[: len(owners)], known)
            longest[owners[is_there]] = size

        # A span of six or more is a run of matching windows: pairs (here, there) of positions in the poem and in the
        # training split, both one further from each pair to the next, so that there − here stays the same::
        #
        #     here           0   1   2        a span of 5 + 2 characters
        #     there         40  41  42        sorted by (there − here, here) the run's pairs are neighbors
        hashes = _hashes(characters, self.size)
        begins, ends = (np.searchsorted(self.windows, hashes, side) for side in ("left", "right"))
        counts = ends - begins
        here = np.repeat(np.arange(len(counts)), counts)
        there = self.positions[np.arange(len(here)) - np.repeat(counts.cumsum() - counts - begins, counts)]
        order = np.lexsort((here, there - here))
        here, shift = here[order], (there - here)[order]
        first = np.flatnonzero((np.diff(here, prepend=-2) != 1) | (np.diff(shift, prepend=0) != 0))
        np.maximum.at(longest, owners[here[first]], np.diff(first, append=len(here)) + self.size - 1)
        return longest


def _hash(ids: np.ndarray) -> np.ndarray:
    """(N,) Σ id · MULTIPLIER^place modulo 2⁶⁴ for each row of ``ids`` (N, size), places from 1."""
    hashes = np.zeros(len(ids), dtype=np.uint64)
    for column in reversed(ids.T):
        hashes = (hashes + column.astype(np.uint64)) * MULTIPLIER
    return hashes


def _hashes(characters: np.ndarray, size: int) -> np.ndarray:
    """(N − size + 1,) the hashes of all windows of the ``characters`` (N,); 0 where one holds PAD."""
    windows = sliding_window_view(characters, size)
    return np.where((windows != PAD).all(axis=1), _hash(windows), np.uint64(0))


def _line_hashes(characters: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The hashes of the lines of ``characters`` (N,), given the number of each one's line (N,), ascending."""
    begins = np.flatnonzero(np.diff(numbers, prepend=-1))
    sizes = np.diff(begins, append=len(characters))
    powers = np.cumprod(np.full(sizes.max(initial=0), MULTIPLIER))
    places = np.arange(len(characters)) - np.repeat(begins, sizes)
    return np.add.reduceat(characters.astype(np.uint64) * powers[places], begins)


def _regulated_lines(sequences: Sequences) -> tuple[np.ndarray, np.ndarray]:
    """The characters of the regulated poems in a corpus without marks, and the number of each one's line."""
    poems = [poem[(poem != BOS) & (poem != EOS)] for poem in map(sequences.__getitem__, range(len(sequences)))]
    regulated = [(poem, form) for poem in poems if (form := regulated_form(len(poem)))]
    sizes = [form.chars for _, form in regulated for _ in range(form.lines)]
    characters = np.concatenate([np.zeros(0, dtype=np.int64), *(poem for poem, _ in regulated)])
    return characters, np.repeat(np.arange(len(sizes)), sizes)


def _distinct(hashes: np.ndarray) -> np.ndarray:
    """The distinct ``hashes``, sorted, without 0; ``np.unique`` takes ten times as long for millions."""
    hashes = np.sort(hashes)
    distinct: np.ndarray = hashes[np.diff(hashes, prepend=np.uint64(0)) != 0]
    return distinct


def _is_in(hashes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(N,) bool: which of ``hashes`` (N,) are among ``known``, which is sorted."""
    return np.searchsorted(known, hashes) < np.searchsorted(known, hashes, "right")
