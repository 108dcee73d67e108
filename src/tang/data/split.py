"""A split frozen by hashes: the same for every set of options, on every machine."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Literal, NamedTuple

from tang.corpus.clean import Poem
from tang.corpus.names import Name
from tang.text.forms import hanzi, split_lines

Part = Literal["train", "val", "test"]

TRAIN_SHARE = 0.90
VAL_SHARE = 0.05

TENTHS: dict[Part, int] = {"train": 8, "val": 1, "test": 1}
"""Of names."""


class Place(NamedTuple):
    """Where a poem belongs."""

    part: Part
    rank: float
    """The poem's own hash in [0, 1): a random order that nothing changes."""


def split(poems: list[Poem]) -> list[Place]:
    """The place of each poem, 90/5/5.

    Poems that share a couplet, directly or through others, form a group and stay together: the
    smallest hash among them places them all. A couplet is any two lines in a row.
    """
    ranks = [_hash(poem.key) for poem in poems]
    groups = _groups(poems)
    smallest = list(ranks)
    for rank, group in zip(ranks, groups, strict=True):
        smallest[group] = min(smallest[group], rank)
    return [Place(_part(smallest[group]), rank) for rank, group in zip(ranks, groups, strict=True)]


def _part(rank: float) -> Part:
    if rank < TRAIN_SHARE:
        return "train"
    return "val" if rank < TRAIN_SHARE + VAL_SHARE else "test"


def _hash(key: str) -> float:
    digest = hashlib.sha256(key.encode("utf-8")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _groups(poems: list[Poem]) -> list[int]:
    """For each poem the representative of its group (union–find over couplets)."""
    parent = list(range(len(poems)))

    def root(poem: int) -> int:
        while parent[poem] != poem:
            parent[poem] = parent[parent[poem]]
            poem = parent[poem]
        return poem

    first_with: dict[str, int] = {}
    for number, poem in enumerate(poems):
        lines = [hanzi(line) for line in split_lines(poem.simplified)]
        for couplet in pairwise(lines):
            parent[root(number)] = root(first_with.setdefault("，".join(couplet), number))
    return [root(number) for number in range(len(poems))]


def split_names(names: Iterable[Name]) -> dict[Part, list[Name]]:
    """Each language's names 80/10/10; a name, large or small letters, is in one part with all its languages.

    The names are dealt out one by one, those of most languages first, those of equally many in
    the order of their SHA-256. Each goes to the part that is emptiest, measured by what the part
    has of a language already against what it should have in the end, summed over the name's
    languages (of equally empty parts, to the first in train, val, test). The names of one language
    come last and even out what the shared ones left uneven. Nothing here depends on the order of
    ``names`` or on a random generator.
    """
    groups: dict[str, list[Name]] = defaultdict(list)
    for name in sorted(names, key=lambda name: name.language):
        groups[name.key].append(name)
    totals = Counter(name.language for group in groups.values() for name in group)
    parts: dict[Part, list[Name]] = {part: [] for part in TENTHS}
    counts: dict[Part, Counter[str]] = {part: Counter() for part in TENTHS}

    def fullness(part: Part, group: list[Name]) -> float:
        return sum(counts[part][name.language] / (TENTHS[part] * totals[name.language]) for name in group)

    for group in sorted(groups.values(), key=lambda group: (-len(group), _hash(group[0].key))):
        part = min(TENTHS, key=lambda part: fullness(part, group))
        parts[part] += group
        counts[part].update(name.language for name in group)
    return parts
