"""Overlap of a poem with the training split: its lines, and spans of characters in a row, that stand there too."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tang.data.prepare import Sequences
from tang.data.vocabulary import BOS, EOS, PAD, SPECIALS, UNK, Vocabulary
from tang.text.forms import LINE_END, hanzi, regulated_form

BITS = np.uint64(16)  # Bits of an id: four ids fill a code of 64

MULTIPLIER = 0x9E3779B97F4A7C15  # An odd number whose powers weigh a line's characters in its hash


@dataclass(frozen=True)
class Spans:
    """An index of the training split's lines and of its windows of ``size`` Chinese characters, in ids.

    A window lies within one poem, may cross the end of a line (marks are left out) and holds no ``<unk>``.
    The codes of windows are exact; those of lines are hashes of 64 bits.
    """

    size: ClassVar[int] = 5  # a span of so many characters counts as copied

    shorter: tuple[np.ndarray, ...]  # the distinct codes of all windows of 1, 2, 3 and 4 characters, sorted
    windows: np.ndarray
    """For each window of five, the index of its first four in ``shorter[3]``, then its fifth; sorted."""
    positions: np.ndarray  # the position in the training split at which each of ``windows`` begins
    lines: np.ndarray  # the distinct hashes of the lines, sorted

    @classmethod
    def of(cls, sequences: Sequences, vocabulary: Vocabulary) -> "Spans":
        """Index ``sequences``.

        Lines end at marks. In a corpus without marks, a poem of as many characters as one of the four
        regulated forms is cut as that form's, and other poems have no lines.
        """
        symbols = vocabulary.symbols
        assert len(symbols) <= 1 << int(BITS), "an id doesn't fit into its bits"
        is_hanzi = np.array([symbol not in SPECIALS and bool(hanzi(symbol)) for symbol in symbols])
        is_mark = ~is_hanzi & (np.arange(len(symbols)) >= len(SPECIALS))
        ends_line = np.array([symbol in LINE_END or id == BOS for id, symbol in enumerate(symbols)])
        tokens = sequences.tokens[sequences.offsets[0] : sequences.offsets[-1]]
        if is_mark[tokens].any():
            is_character = is_hanzi[tokens] | (tokens == UNK)
            lines = tokens[is_character], ends_line[tokens].cumsum()[is_character]
        else:
            lines = _regulated_lines(sequences)

        # The poems one after another without marks; PAD stands between them and for unknown characters.
        characters = np.where(is_hanzi[tokens], tokens, PAD)[~is_mark[tokens]]
        shorter = tuple(_distinct(_codes(characters, size)) for size in range(1, cls.size))
        fours, fifths = _codes(characters, cls.size - 1)[:-1], characters[cls.size - 1 :]
        positions = np.flatnonzero((fours > 0) & (fifths != PAD))
        windows = _append(np.searchsorted(shorter[-1], fours[positions]), fifths[positions])
        order = np.argsort(windows, kind="stable")
        return cls(shorter, windows[order], positions[order].astype(np.int32), _distinct(_line_codes(*lines)))

    def is_copied(self, fives: np.ndarray) -> np.ndarray:
        """(N,) bool: whether each of the windows (N, 5) stands in the training split."""
        begins, ends = self._find(fives)
        return ends > begins

    def has_line(self, line: Sequence[int]) -> bool:
        """Whether the training split has this whole line; lines with ``<unk>`` count as new."""
        return UNK not in line and bool(_is_in(_line_codes(np.array(line), np.zeros(len(line))), self.lines).all())

    def longest(self, poems: Sequence[Sequence[int]]) -> np.ndarray:
        """(N,) the length of each poem's longest span that stands in one poem of the training split, in characters.

        ``poems`` are the ids of Chinese characters; ``<unk>`` matches nothing.
        """
        owners = np.repeat(np.arange(len(poems)), [len(poem) + 1 for poem in poems])
        characters = np.array([*chain.from_iterable((*poem, PAD) for poem in poems), *[PAD] * (self.size - 1)])
        longest = np.zeros(len(poems), dtype=np.int64)
        for size, known in enumerate(self.shorter, start=1):
            is_there = _is_in(_codes(characters, size)[: len(owners)], known)
            longest[owners[is_there]] = size

        # A span of six or more is a run of matching windows: pairs (here, there) of positions in the poem and in the
        # training split, both one further from each pair to the next, so that there − here stays the same::
        #
        #     here           0   1   2        a span of 5 + 2 characters
        #     there         40  41  42        sorted by (there − here, here) the run's pairs are neighbours
        begins, ends = self._find(sliding_window_view(characters, self.size))
        counts = ends - begins
        here = np.repeat(np.arange(len(counts)), counts)
        there = self.positions[np.arange(len(here)) - np.repeat(counts.cumsum() - counts - begins, counts)]
        order = np.lexsort((here, there - here))
        here, shift = here[order], (there - here)[order]
        first = np.flatnonzero((np.diff(here, prepend=-2) != 1) | (np.diff(shift, prepend=0) != 0))
        np.maximum.at(longest, owners[here[first]], np.diff(first, append=len(here)) + self.size - 1)
        return longest

    def _find(self, fives: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N,) and (N,): the first index in ``windows`` of each of ``fives`` (N, 5), and the one after the last."""
        fours, known = _pack(fives[:, :-1]), self.shorter[-1]
        codes = _append(np.searchsorted(known, fours), fives[:, -1])
        begins, ends = (np.searchsorted(self.windows, codes, side) for side in ("left", "right"))
        return begins, np.where(_is_in(fours, known), ends, begins)


def _pack(ids: np.ndarray) -> np.ndarray:
    """(N,) a code for each row of ``ids`` (N, 1 to 4)."""
    codes = np.zeros(len(ids), dtype=np.uint64)
    for column in ids.T:
        codes = _append(codes, column)
    return codes


def _append(codes: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """(N,) codes of the windows ``codes`` (N,) with one more character each, ``ids`` (N,)."""
    longer: np.ndarray = codes.astype(np.uint64) << BITS
    return longer | ids.astype(np.uint64)


def _codes(characters: np.ndarray, size: int) -> np.ndarray:
    """(N − size + 1,) the codes of all windows of the ``characters`` (N,); 0 where one holds PAD."""
    windows = sliding_window_view(characters, size)
    return np.where((windows != PAD).all(axis=1), _pack(windows), np.uint64(0))


def _distinct(codes: np.ndarray) -> np.ndarray:
    """The distinct ``codes``, sorted, without 0; ``np.unique`` takes ten times as long for millions."""
    codes = np.sort(codes)
    distinct: np.ndarray = codes[np.diff(codes, prepend=np.uint64(0)) != 0]
    return distinct


def _is_in(codes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(N,) bool: which of ``codes`` (N,) are among ``known``, which is sorted."""
    places = np.searchsorted(known, codes)
    is_inside = places < len(known)
    is_inside[is_inside] = known[places[is_inside]] == codes[is_inside]
    return is_inside


def _regulated_lines(sequences: Sequences) -> tuple[np.ndarray, np.ndarray]:
    """The characters of the regulated poems in a corpus without marks, and the number of each one's line."""
    poems = [poem[(poem != BOS) & (poem != EOS)] for poem in map(sequences.__getitem__, range(len(sequences)))]
    regulated = [(poem, form) for poem in poems if (form := regulated_form(len(poem)))]
    sizes = [form.chars for _, form in regulated for _ in range(form.lines)]
    characters = np.concatenate([np.zeros(0, dtype=np.int64), *(poem for poem, _ in regulated)])
    return characters, np.repeat(np.arange(len(sizes)), sizes)


def _line_codes(characters: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Hashes of the lines of ``characters`` (N,), given the number of each one's line (N,), ascending."""
    begins = np.flatnonzero(np.diff(numbers, prepend=-1))
    sizes = np.diff(begins, append=len(characters))
    powers = np.cumprod(np.full(sizes.max(initial=0), MULTIPLIER, dtype=np.uint64))
    places = np.arange(len(characters)) - np.repeat(begins, sizes)
    return np.add.reduceat(characters.astype(np.uint64) * powers[places], begins) if len(begins) else powers
