"""Metrics of a set of poems, each a list of lines of Chinese characters; docs/verse.md defines them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tang.prosody.meter import Pattern, Strictness, nearest, rhyming_lines
from tang.prosody.parallelism import cosines, toneless
from tang.prosody.rhymes import Tone, common_groups, readings
from tang.text.forms import Form
from tang.text.script import Script

Lines = Sequence[str]


@dataclass(frozen=True)
class Measurement:
    """A mean, share or ratio, and the number of items behind it."""

    value: float | None  # None if there are no items
    count: int  # Number of poems, positions, lines, characters or pairs

    @classmethod
    def mean(cls, values: Iterable[float | None]) -> "Measurement":
        """The mean of ``values`` without Nones, which are undecided items."""
        decided = [value for value in values if value is not None]
        return cls(float(np.mean(decided)) if decided else None, len(decided))


def rhyme_tones(lines: Lines, script: Script, first: bool = False) -> frozenset[Tone] | None:
    """Tones of the rhyme groups that the ends of the even lines (and of the ``first``) share; empty: no rhyme.

    None if an end has no reading.
    """
    ends = [lines[line][-1] for line in rhyming_lines(len(lines), first)]
    if not all(readings(end, script) for end in ends):
        return None
    return frozenset(group.tone for group in common_groups(ends, script))


def tone_matches(lines: Lines, form: Form, script: Script) -> list[bool | None]:
    """For each position that the nearest loose pattern binds: whether its character can have the pattern's tone.

    None for a character without reading. The order isn't that of the positions.
    """
    pattern, slips = nearest(lines, form, "loose", script)
    read = [bool(readings(character, script)) for character in _bound(lines, pattern, "loose")]
    return [False] * len(slips) + [True] * (sum(read) - len(slips)) + [None] * read.count(False)


def is_strictly_regular(lines: Lines, form: Form, script: Script) -> bool | None:
    """Whether a poem keeps a strict pattern and has its rhymes in 平; None if a reading is missing."""
    pattern, slips = nearest(lines, form, "strict", script)
    tones = rhyme_tones(lines, script, pattern.first_rhymes)
    if tones is None or not all(readings(character, script) for character in _bound(lines, pattern, "strict")):
        return None
    return "平" in tones and not slips


def _bound(lines: Lines, pattern: Pattern, strictness: Strictness) -> list[str]:
    """The characters whose tone the pattern prescribes."""
    wanted = "".join(pattern.wanted(strictness))
    return [character for character, tone in zip("".join(lines), wanted, strict=True) if tone != "中"]


def bigrams(lines: Lines) -> list[tuple[str, str]]:
    """Pairs of neighboring characters within a line."""
    return [pair for line in lines for pair in pairwise(line)]


def distinct(poems: Sequence[Lines], size: int) -> Measurement:
    """Distinct characters (``size`` 1) or bigrams (2) ÷ all of them (Li et al. 2016)."""
    grams = [gram for lines in poems for gram in ("".join(lines) if size == 1 else bigrams(lines))]
    return Measurement(len(set(grams)) / len(grams) if grams else None, len(grams))


def self_similarity(poems: Sequence[Lines]) -> Measurement:
    """For each poem the largest share of its distinct :func:`bigrams` found in one other poem; the mean of these."""
    sets = [set(bigrams(lines)) for lines in poems]
    poems_with: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, found in enumerate(sets):
        for pair in found:
            poems_with[pair].append(number)
    shares = []
    for number, found in enumerate(sets):
        shared = Counter(other for pair in found for other in poems_with[pair])
        del shared[number]
        shares.append(max(shared.values(), default=0) / len(found))
    return Measurement.mean(shares if len(poems) > 1 else [])


def parallelism(couplets: np.ndarray, embedding: np.ndarray, tones: np.ndarray) -> Measurement:
    """Mean similarity of characters that face each other in couplets, less that in lines of two different poems.

    Similarity is the cosine of :func:`~tang.prosody.parallelism.toneless` embeddings, their mean being over the set's
    characters. Pairs of equal characters are left out. The count is that of pairs within the poems' own couplets.

    Args:
        couplets: (N, C, 2, chars) ids of C couplets of N poems. For lines of two different poems, a poem's first lines
            face the next poem's second lines of the same couplets.
        embedding: (V, E).
        tones: (V,) a number for each tone.
    """
    if len(couplets) < 2:
        return Measurement(None, 0)
    ids, places, counts = np.unique(couplets, return_inverse=True, return_counts=True)
    vectors = toneless(embedding[ids], counts, tones[ids])
    first, second = np.moveaxis(places.reshape(couplets.shape), 2, 0)
    own, other = (_cosines(first, lines, vectors) for lines in (second, np.roll(second, -1, axis=0)))
    return Measurement(float(own.mean() - other.mean()) if len(own) and len(other) else None, len(own))


def _cosines(first: np.ndarray, second: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """(N,) cosines of the pairs that differ."""
    differ = first != second
    return cosines(vectors[first[differ]], vectors[second[differ]])
