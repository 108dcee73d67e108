"""Train, val and test splits determined by hashes: identical for all options and on every machine."""

import hashlib
from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Literal, NamedTuple

from tang.corpus.clean import CleanPoem
from tang.corpus.names import Name

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

BOUNDS = (0.90, 0.90 + 0.05)  # Hashes in [0, 1) where the train poems end, and those of val
TENTHS: dict[Split, int] = {"train": 8, "val": 1, "test": 1}  # Tenths of each language's names


class Assignment(NamedTuple):
    """A poem's split."""

    split: Split
    rank: float  # The poem's own hash in [0, 1), which orders the poems of a split at random but reproducibly


def split_poems(poems: list[CleanPoem]) -> list[Assignment]:
    """Split poems 90/5/5, and keep together those that share a couplet, two consecutive lines, directly or via others.

    The smallest hash of such a group determines its split.
    """
    ranks = [_hash(poem.key) for poem in poems]
    groups = couplet_groups(poems)
    smallest = list(ranks)
    for rank, group in zip(ranks, groups, strict=True):
        smallest[group] = min(smallest[group], rank)
    splits = [SPLITS[bisect(BOUNDS, smallest[group])] for group in groups]
    return list(map(Assignment, splits, ranks))


def _hash(key: str) -> float:
    """The first 48 bits of SHA-256 as a number in [0, 1)."""
    digest = hashlib.sha256(key.encode("utf-8")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def couplet_groups(poems: list[CleanPoem]) -> list[int]:
    """For each poem the representative of its group: those that share couplets (union–find over couplets)."""
    parent = list(range(len(poems)))

    def root(poem: int) -> int:
        while parent[poem] != poem:
            parent[poem] = parent[parent[poem]]
            poem = parent[poem]
        return poem

    first_with: dict[str, int] = {}
    for number, poem in enumerate(poems):
        for couplet in pairwise(poem.lines):
            parent[root(number)] = root(first_with.setdefault("，".join(couplet), number))
    return [root(number) for number in range(len(poems))]


def split_names(names: Iterable[Name]) -> dict[Split, list[Name]]:
    """Split each language's names 80/10/10; a name, whatever its capitals, is in one split with all its languages.

    The names are assigned one by one, those of most languages first, those of equally many in the order of their
    SHA-256. Each goes to the emptiest split: the names that the split has of a language divided by those that it should
    have in the end, summed over the name's languages (ties: the first of train, val, test). The names of one language
    come last and even out what the shared ones left uneven. The order of ``names`` doesn't matter.
    """
    groups: dict[str, list[Name]] = defaultdict(list)
    for name in sorted(names, key=lambda name: name.language):
        groups[name.key].append(name)
    totals = Counter(name.language for group in groups.values() for name in group)
    splits: dict[Split, list[Name]] = {split: [] for split in TENTHS}
    counts: dict[Split, Counter[str]] = {split: Counter() for split in TENTHS}

    def fullness(split: Split, group: list[Name]) -> float:
        return sum(counts[split][name.language] / (TENTHS[split] * totals[name.language]) for name in group)

    for group in sorted(groups.values(), key=lambda group: (-len(group), _hash(group[0].key))):
        split = min(TENTHS, key=lambda split: fullness(split, group))
        splits[split] += group
        counts[split].update(name.language for name in group)
    return splits
