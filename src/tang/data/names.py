"""The names → language data as a LightningDataModule."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from tang.corpus.names import LETTERS, Name, Names, NameSource, clean_names
from tang.data.batches import BalancedDraws, BatchLoader, LengthBuckets
from tang.data.split import Part
from tang.data.vocabulary import PAD

IDS = {letter: id for id, letter in enumerate(LETTERS, start=PAD + 1)}

TENTHS: dict[Part, int] = {"train": 8, "val": 1, "test": 1}


class NameBatch(NamedTuple):
    """Names side by side; where one is shorter than the longest, PAD fills its end.

    ::

        inputs   L  i  PAD PAD       lengths  2       targets  Chinese
                 M  a  e   s                  4                Dutch
    """

    inputs: Tensor
    """(B, T) int64 ids of letters, 1 to 57, and PAD, which is 0."""
    lengths: Tensor
    """(B,) int64 letters of each name."""
    targets: Tensor
    """(B,) int64 numbers of the languages, in alphabetical order."""
    num_tokens: int
    """Letters of all names: what a recurrent layer reads, and speed is measured in."""

    @classmethod
    def of(cls, names: Sequence[Name], languages: Sequence[str]) -> "NameBatch":
        """All of ``names`` in one batch."""
        inputs, lengths = encode(name.text for name in names)
        targets = torch.tensor([languages.index(name.language) for name in names])
        return cls(inputs, lengths, targets, int(lengths.sum()))

    def select(self, indices: np.ndarray) -> "NameBatch":
        """The batch of some of its names, no wider than they need."""
        rows = torch.from_numpy(indices)
        lengths = self.lengths[rows]
        return NameBatch(self.inputs[rows, : int(lengths.max())], lengths, self.targets[rows], int(lengths.sum()))


def encode(texts: Iterable[str]) -> tuple[Tensor, Tensor]:
    """The ids (B, T) and the lengths (B,) of names that have :data:`LETTERS` alone, one letter or more."""
    ids = [torch.tensor([IDS[letter] for letter in text]) for text in texts]
    return pad_sequence(ids, batch_first=True, padding_value=PAD), torch.tensor([len(row) for row in ids])


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


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8")).hexdigest()


@dataclass(frozen=True)
class NameCard:
    """Counts that describe the names: what was read, what went, and what each part has."""

    read: int
    duplicates: dict[str, int]
    """See :class:`~tang.corpus.names.Names`; so are the characters ``dropped``."""
    dropped: dict[str, int]
    names: int
    """Pairs of a name and a language."""
    shared: int
    """Names that several languages have."""
    languages: dict[str, dict[Part, int]]
    """Language → names in each part."""

    @classmethod
    def of(cls, names: Names, parts: dict[Part, list[Name]]) -> "NameCard":
        counts = {part: Counter(name.language for name in part_names) for part, part_names in parts.items()}
        languages = sorted({name.language for name in names.names})
        return cls(
            read=names.read,
            duplicates=names.duplicates,
            dropped=names.dropped,
            names=len(names.names),
            shared=sum(count > 1 for count in Counter(name.key for name in names.names).values()),
            languages={language: {part: counts[part][language] for part in parts} for language in languages},
        )

    @property
    def rows(self) -> dict[str, str]:
        """What is counted → the counts, as one reads them."""
        duplicates = ", ".join(f"{count:,} {kind}" for kind, count in self.duplicates.items())
        dropped = ", ".join(f"{character} {count:,}" for character, count in self.dropped.items())
        return {
            "lines read": f"{self.read:,}",
            "duplicates removed": duplicates,
            "characters dropped": dropped or "none",
            "names": f"{self.names:,} of {len(self.languages)} languages",
            "names of several languages": f"{self.shared:,}",
        }

    @property
    def table(self) -> list[list[str]]:
        """Names in each part: a head, a row for each language, and their sums."""
        sums = {part: sum(counts[part] for counts in self.languages.values()) for part in TENTHS}
        rows = [*self.languages.items(), ("all", sums)]
        return [["language", *TENTHS], *([label, *(f"{counts[part]:,}" for part in TENTHS)] for label, counts in rows)]

    def text(self) -> str:
        """For the terminal: a line a row, then the table."""
        width = max(map(len, self.rows))
        lines = [f"  {label:<{width}}  {value}" for label, value in self.rows.items()]
        lines += [f"  {label:<{width}}  {''.join(f'{count:>8}' for count in counts)}" for label, *counts in self.table]
        return "\n".join(lines)

    def markdown(self) -> str:
        """For TensorBoard: two tables."""
        head, *rows = (f"| {' | '.join(cells)} |" for cells in self.table)
        counts = [f"| {label} | {value} |" for label, value in self.rows.items()]
        return "\n".join(["| names | |", "|---|---|", *counts, "", head, "|---|--:|--:|--:|", *rows])


class NamesDataModule(LightningDataModule):
    """Train, val and test names in batches bucketed by length.

    Args:
        dir: where the 18 files are, or go.
        batch_size: names in a batch; some are smaller, see ``LengthBuckets``.
        balanced: draw the training names with replacement, each language equally likely, see ``BalancedDraws``.
        seed: of the order of the training batches, and of the draws.
    """

    letters = LETTERS

    def __init__(self, dir: str = "data/names", batch_size: int = 64, balanced: bool = False, seed: int = 0) -> None:
        super().__init__()
        self.source = NameSource(Path(dir).expanduser())
        self.languages = self.source.languages
        self.batch_size = batch_size
        self.balanced = balanced
        self.seed = seed

    @cached_property
    def names(self) -> Names:
        """All names; fetched at the first use ever.

        Raises:
            InputError: files are missing and can't be fetched.
        """
        return clean_names(self.source.read())

    @cached_property
    def parts(self) -> dict[Part, list[Name]]:
        """The names of each part."""
        return split_names(self.names.names)

    @property
    def card(self) -> NameCard:
        """What was read, removed and kept."""
        return NameCard.of(self.names, self.parts)

    def prepare_data(self) -> None:
        """Lightning calls this once before training, validation and test."""
        _ = self.names  # the first use fetches

    def loader(self, part: Part) -> BatchLoader[NameBatch]:
        """The batches of a part, in the order of epoch 0 until ``set_epoch`` is called."""
        whole = NameBatch.of(self.parts[part], self.languages)
        lengths = whole.lengths.numpy()
        if self.balanced and part == "train":
            draws = BalancedDraws(whole.targets.numpy(), lengths, self.batch_size, self.seed)
            return BatchLoader(draws, whole.select)
        return BatchLoader(LengthBuckets(lengths, self.batch_size, self.seed), whole.select)

    def train_dataloader(self) -> Any:
        return self.loader("train")

    def val_dataloader(self) -> Any:
        return self.loader("val")

    def test_dataloader(self) -> Any:
        return self.loader("test")
