"""What of a poem stands in the training part already: its lines, and spans of characters in a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tang.data.prepare import Sequences
from tang.data.vocabulary import BOS, EOS, PAD, SPECIALS, UNK, Vocabulary
from tang.text.forms import LINE_END, hanzi, regulated_form

SPAN = 5
"""From so many characters in a row on, a span counts as copied."""

BITS = np.uint64(16)
"""Of an id: four of them fill a code."""

MULTIPLIER = 0x9E3779B97F4A7C15
"""An odd number whose powers weigh a line's characters in its hash."""


@dataclass(frozen=True)
class Spans:
    """The lines of a training part and its windows of :data:`SPAN` Chinese characters, in ids.

    A window lies within one poem, may cross the end of a line (marks are left out) and holds no ``<unk>``.
    The codes of windows are exact; those of lines are hashes of 64 bits.
    """

    shorter: tuple[np.ndarray, ...]
    """The codes of all windows of 1, 2, 3 and 4 characters, sorted, each once."""
    windows: np.ndarray
    """For each window of five: the place of its first four in ``shorter[3]``, then its fifth; sorted."""
    positions: np.ndarray
    """Where each of ``windows`` begins in the training part."""
    lines: np.ndarray
    """The hashes of the lines, sorted, each once."""

    @classmethod
    def of(cls, sequences: Sequences, vocabulary: Vocabulary) -> "Spans":
        """The spans of ``sequences``.

        Lines end at marks. Where the corpus has none, a poem of as many characters as one of the four
        regulated forms is cut as that form's, and other poems have no lines.
        """
        symbols = vocabulary.symbols
        assert len(symbols) <= 1 << int(BITS), "an id doesn't fit into its bits"
        is_hanzi = np.array([symbol not in SPECIALS and bool(hanzi(symbol)) for symbol in symbols])
        is_mark = ~is_hanzi & (np.arange(len(symbols)) >= len(SPECIALS))
        ends_line = np.array([symbol in LINE_END or id == BOS for id, symbol in enumerate(symbols)])
        tokens = sequences.tokens[sequences.offsets[0] : sequences.offsets[-1]]
        characters = np.where(is_hanzi[tokens], tokens, PAD)[~is_mark[tokens]]
        if is_mark[tokens].any():
            is_character = is_hanzi[tokens] | (tokens == UNK)
            lines = tokens[is_character], ends_line[tokens].cumsum()[is_character]
        else:
            lines = _regulated(sequences)
        return cls._index(characters, _distinct(_line_codes(*lines)))

    @classmethod
    def _index(cls, characters: np.ndarray, lines: np.ndarray) -> "Spans":
        """Of poems one after another, with PAD between them and for an unknown character."""
        shorter = tuple(_distinct(_codes(characters, size)) for size in range(1, SPAN))
        fours, fifths = _codes(characters, SPAN - 1)[:-1], characters[SPAN - 1 :]
        positions = np.flatnonzero((fours > 0) & (fifths != PAD))
        windows = _join(np.searchsorted(shorter[-1], fours[positions]), fifths[positions])
        order = np.argsort(windows, kind="stable")
        return cls(shorter, windows[order], positions[order].astype(np.int32), lines)

    def is_copied(self, fives: np.ndarray) -> np.ndarray:
        """(N,) bool: whether each of the windows (N, 5) stands in the training part."""
        begins, ends = self._found(fives)
        return ends > begins

    def has_line(self, line: Sequence[int]) -> bool:
        """Whether these characters are a whole line there; with ``<unk>`` it can't be told, and they aren't."""
        return UNK not in line and bool(_is_in(_line_codes(np.array(line), np.zeros(len(line))), self.lines).all())

    def longest(self, poems: Sequence[Sequence[int]]) -> np.ndarray:
        """(N,) the number of characters of each poem's longest span that stands in one poem of the training part.

        ``poems`` are the ids of Chinese characters; ``<unk>`` stands nowhere.
        """
        owners = np.repeat(np.arange(len(poems)), [len(poem) + 1 for poem in poems])
        characters = np.array([*chain.from_iterable((*poem, PAD) for poem in poems), *[PAD] * (SPAN - 1)])
        longest = np.zeros(len(poems), dtype=np.int64)
        for size, known in enumerate(self.shorter, start=1):
            is_there = _is_in(_codes(characters, size)[: len(owners)], known)
            longest[owners[is_there]] = size

        # Longer spans are runs of windows, each one place further in the poem and in the training part: pairs
        # of places, those with the same difference side by side.
        begins, ends = self._found(sliding_window_view(characters, SPAN))
        counts = ends - begins
        here = np.repeat(np.arange(len(counts)), counts)
        there = self.positions[np.arange(len(here)) - np.repeat(counts.cumsum() - counts - begins, counts)]
        order = np.lexsort((here, there - here))
        here, shift = here[order], (there - here)[order]
        first = np.flatnonzero((np.diff(here, prepend=-2) != 1) | (np.diff(shift, prepend=0) != 0))
        np.maximum.at(longest, owners[here[first]], np.diff(first, append=len(here)) + SPAN - 1)
        return longest

    def _place(self, four: np.ndarray) -> np.ndarray:
        """(N,) where each row of ``four`` (N, 4) is in ``shorter[3]``; −1 where it isn't."""
        codes, known = _pack(four), self.shorter[-1]
        return np.where(_is_in(codes, known), np.searchsorted(known, codes), -1)

    def _found(self, fives: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N,) and (N,): from where to where ``windows`` has each of ``fives`` (N, 5)."""
        place = self._place(fives[:, :-1])
        codes = _join(place, fives[:, -1])
        begins, ends = (np.searchsorted(self.windows, codes, side) for side in ("left", "right"))
        return begins, np.where(place >= 0, ends, begins)


def _pack(ids: np.ndarray) -> np.ndarray:
    """(N,) a code for each row of ``ids`` (N, 1 to 4)."""
    codes = np.zeros(len(ids), dtype=np.uint64)
    for column in ids.T:
        codes = (codes << BITS) | column.astype(np.uint64)
    return codes


def _codes(characters: np.ndarray, size: int) -> np.ndarray:
    """(N − size + 1,) the codes of all windows of the ``characters`` (N,); 0 where one holds PAD."""
    windows = sliding_window_view(characters, size)
    return np.where((windows != PAD).all(axis=1), _pack(windows), np.uint64(0))


def _distinct(codes: np.ndarray) -> np.ndarray:
    """``codes`` sorted, each once, without 0; ``np.unique`` takes ten times as long for millions."""
    codes = np.sort(codes)
    distinct: np.ndarray = codes[np.diff(codes, prepend=np.uint64(0)) != 0]
    return distinct


def _join(place: np.ndarray, fifth: np.ndarray) -> np.ndarray:
    """(N,) the codes of windows of five, by the place of their first four and by their fifth."""
    codes: np.ndarray = place.astype(np.uint64) << BITS
    return codes | fifth.astype(np.uint64)


def _is_in(codes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(N,) bool: which of ``codes`` (N,) are among ``known``, which is sorted."""
    places = np.searchsorted(known, codes)
    is_inside = places < len(known)
    is_inside[is_inside] = known[places[is_inside]] == codes[is_inside]
    return is_inside


def _regulated(sequences: Sequences) -> tuple[np.ndarray, np.ndarray]:
    """The characters of a corpus without marks that are in regulated poems, and the numbers of their lines."""
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
