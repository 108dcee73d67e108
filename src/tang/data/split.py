"""A split frozen by hashes: the same for every set of options, on every machine."""

import hashlib
from itertools import pairwise
from typing import Literal, NamedTuple

from tang.corpus.clean import Poem
from tang.corpus.forms import hanzi, split_lines

Part = Literal["train", "val", "test"]

TRAIN_SHARE = 0.90
VAL_SHARE = 0.05


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

    first_with: dict[tuple[str, str], int] = {}
    for number, poem in enumerate(poems):
        lines = [hanzi(line) for line in split_lines(poem.simplified)]
        for couplet in pairwise(lines):
            parent[root(number)] = root(first_with.setdefault(couplet, number))
    return [root(number) for number in range(len(poems))]
