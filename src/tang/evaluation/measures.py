"""Figures of a set of poems, each a list of lines of Chinese characters; docs/verse.md defines them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tang.prosody.critique import repetitions
from tang.prosody.meter import Pattern, Strictness, nearest, rhyming_lines
from tang.prosody.rhymes import Tone, common_groups, readings
from tang.text.forms import Form
from tang.text.script import Script

Lines = Sequence[str]

MIDDLE = (2, 4)
"""Where the middle couplets of eight lines begin, from 0: the two that should be parallel."""

TINY = 1e-6
"""Below this a product of lengths is 0 but for rounding."""


@dataclass(frozen=True)
class Figure:
    """A mean, a share or a ratio."""

    value: float | None
    """None where there is nothing to count."""
    count: int
    """Over how many poems, places, lines, characters or pairs."""

    @classmethod
    def of(cls, values: Iterable[float | None]) -> "Figure":
        """The mean of those that aren't None."""
        decided = [value for value in values if value is not None]
        return cls(float(np.mean(decided)) if decided else None, len(decided))


def rhyme(lines: Lines, script: Script, first: bool = False) -> frozenset[Tone] | None:
    """The tones of the groups that the ends of the even lines, and of the ``first`` too, share; none: no rhyme.

    None where an end has no reading.
    """
    ends = [lines[line][-1] for line in rhyming_lines(len(lines), first)]
    if not all(readings(end, script) for end in ends):
        return None
    return frozenset(group.tone for group in common_groups(ends, script))


def fits(lines: Lines, form: Form, script: Script) -> list[bool | None]:
    """For each place that a pattern binds loosely, whether its character can have the nearest pattern's tone.

    Where it has no reading that is None.
    """
    pattern, slips = nearest(lines, form, "loose", script)
    read = [bool(readings(character, script)) for character in _bound(lines, pattern, "loose")]
    return [False] * len(slips) + [True] * (sum(read) - len(slips)) + [None] * read.count(False)


def is_strictly_regular(lines: Lines, form: Form, script: Script) -> bool | None:
    """Whether a poem keeps a pattern taken strictly and rhymes where that asks; None where readings lack."""
    pattern, slips = nearest(lines, form, "strict", script)
    rhymed = rhyme(lines, script, pattern.first_rhymes)
    if rhymed is None or not all(readings(character, script) for character in _bound(lines, pattern, "strict")):
        return None
    return "平" in rhymed and not slips


def _bound(lines: Lines, pattern: Pattern, strictness: Strictness) -> list[str]:
    """The characters whose tone the pattern asks for."""
    wanted = "".join(pattern.wanted(strictness))
    return [character for character, tone in zip("".join(lines), wanted, strict=True) if tone != "中"]


def pairs(lines: Lines) -> list[tuple[str, str]]:
    """Neighbours within a line."""
    return [pair for line in lines for pair in pairwise(line)]


def distinct(poems: Sequence[Lines], size: int) -> Figure:
    """Distinct characters (``size`` 1) or pairs of neighbours (2) ÷ all of them (Li et al. 2016)."""
    found = [gram for lines in poems for gram in ("".join(lines) if size == 1 else pairs(lines))]
    return Figure(len(set(found)) / len(found) if found else None, len(found))


def repeats(lines: Lines) -> bool:
    """Whether a character comes twice, but for neighbours within a line: 青青 counts as one."""
    repeated, _ = repetitions(lines)
    return bool(repeated)


def self_similarity(poems: Sequence[Lines]) -> Figure:
    """Mean of the largest share of a poem's distinct :func:`pairs` that one other poem has too."""
    sets = [set(pairs(lines)) for lines in poems]
    having: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, found in enumerate(sets):
        for pair in found:
            having[pair].append(number)
    shares = []
    for number, found in enumerate(sets):
        shared = Counter(other for pair in found for other in having[pair])
        del shared[number]
        shares.append(max(shared.values(), default=0) / len(found))
    return Figure.of(shares) if len(poems) > 1 else Figure(None, 0)


def parallelism(couplets: np.ndarray, embedding: np.ndarray, tones: np.ndarray) -> Figure:
    """How much nearer the characters at equal places of two lines are than if the lines came from two poems.

    Nearness is the cosine of embeddings of length 1 less their mean over the set's characters of the same tone:
    couplets oppose tones and embeddings know them, which would hide what answers what. Equal characters are left out.

    Args:
        couplets: (N, C, 2, chars) the ids of C couplets of N poems. In place of a second line comes that of the
            next poem's same couplet.
        embedding: (V, E).
        tones: (V,) a number for each tone.

    Returns:
        The difference, and how many pairs of characters the poems' own lines have.
    """
    if len(couplets) < 2:
        return Figure(None, 0)
    ids, places = np.unique(couplets, return_inverse=True)
    vectors = embedding[ids] / np.linalg.norm(embedding[ids], axis=1, keepdims=True)
    for tone in np.unique(tones[ids]):
        has_tone = tones[ids] == tone
        vectors[has_tone] -= vectors[places[has_tone[places]]].mean(0)
    first, second = np.moveaxis(places.reshape(couplets.shape), 2, 0)
    own, other = (_cosines(first, lines, vectors) for lines in (second, np.roll(second, -1, axis=0)))
    is_any = len(own) > 0 and len(other) > 0
    return Figure(float(own.mean() - other.mean()) if is_any else None, len(own))


def _cosines(first: np.ndarray, second: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """(N,) of the pairs that differ; 0 where a vector is."""
    differ = first != second
    a, b = vectors[first[differ]], vectors[second[differ]]
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    cosines: np.ndarray = np.divide((a * b).sum(-1), lengths, out=np.zeros(len(a)), where=lengths > TINY)
    return cosines
