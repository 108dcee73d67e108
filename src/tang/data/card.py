"""The card of a corpus: what was read, what was dropped and why, and what is left."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tang.corpus.names import Name, Names
from tang.data.split import Part
from tang.data.vocabulary import Vocabulary
from tang.errors import printable

SHOWN = 8
"""Shapes of poems, or characters dropped from names."""


@dataclass(frozen=True)
class Card:
    """Counts that describe a corpus under some options."""

    read: int
    dropped: dict[str, int]
    poems: int
    pieces: dict[str, int]
    """Of each part of the split: poems, or the stanzas cut from them."""
    characters: dict[str, int]
    """Of each part, punctuation counted."""
    unknown: dict[str, int]
    """Of each part, characters outside the vocabulary."""
    distinct: int
    vocabulary: int
    shapes: dict[str, int]
    """Pieces of each form, the commonest first."""
    lengths: dict[str, int]
    """Characters of a piece: minimum, quantiles and maximum."""

    @classmethod
    def of(
        cls,
        read: int,
        dropped: dict[str, int],
        poems: int,
        parts: dict[str, list[str]],
        shapes: Counter[str],
        vocabulary: Vocabulary,
    ) -> "Card":
        """The card of a corpus of ``poems`` clean poems whose parts hold these pieces, of these shapes."""
        everything = [text for texts in parts.values() for text in texts]
        counts = {part: Counter("".join(texts)) for part, texts in parts.items()}
        quantiles = {"shortest": 0.0, "median": 0.5, "99 %": 0.99, "longest": 1.0}
        lengths = np.quantile([len(text) for text in everything], list(quantiles.values()), method="nearest")
        return cls(
            read=read,
            dropped=dropped,
            poems=poems,
            pieces={part: len(texts) for part, texts in parts.items()},
            characters={part: count.total() for part, count in counts.items()},
            unknown={part: sum(n for c, n in count.items() if c not in vocabulary) for part, count in counts.items()},
            distinct=len(set().union(*counts.values())),
            vocabulary=len(vocabulary),
            shapes=dict(shapes.most_common()),
            lengths={name: int(length) for name, length in zip(quantiles, lengths, strict=True)},
        )

    @property
    def rows(self) -> dict[str, str]:
        """What is counted → the counts, as one reads them."""
        rates = {
            part: f"{self.unknown[part]:,} ({self.unknown[part] / max(count, 1):.2%})"
            for part, count in self.characters.items()
        }
        return {
            "poems read": f"{self.read:,}",
            "dropped": _listed(self.dropped) or "none",
            "clean poems": f"{self.poems:,}",
            "pieces to learn from": _listed(self.pieces),
            "characters and marks": _listed(self.characters),
            "outside the vocabulary": ", ".join(f"{part} {rate}" for part, rate in rates.items()),
            "vocabulary": f"{self.vocabulary:,} symbols of {self.distinct:,} distinct characters",
            "shapes": _listed(_first(self.shapes, "shapes")),
            "length in characters": _listed(self.lengths),
        }

    def text(self) -> str:
        """For the terminal: a line a row."""
        return _text(self.rows)

    def markdown(self) -> str:
        """For TensorBoard: a table."""
        return _markdown("corpus", self.rows)


@dataclass(frozen=True)
class NameCard:
    """Counts that describe the names: what was read, what went, and what each part has."""

    read: int
    duplicates: dict[str, int]
    """This and the next two: see :class:`~tang.corpus.names.Names`."""
    letterless: int
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
            letterless=names.letterless,
            dropped=names.dropped,
            names=len(names.names),
            shared=sum(count > 1 for count in Counter(name.key for name in names.names).values()),
            languages={language: {part: counts[part][language] for part in parts} for language in languages},
        )

    @property
    def rows(self) -> dict[str, str]:
        """What is counted → the counts, as one reads them."""
        duplicates = ", ".join(f"{count:,} {kind}" for kind, count in self.duplicates.items())
        sizes = {language: sum(parts.values()) for language, parts in self.languages.items()}
        return {
            "lines read": f"{self.read:,}",
            "duplicates removed": duplicates,
            "without letters": f"{self.letterless:,}",
            "characters dropped": _listed(_first(self.dropped, "characters")) or "none",
            "names": f"{self.names:,} of {len(self.languages)} languages",
            "names of several languages": f"{self.shared:,}",
            "parts": _listed(sum(map(Counter, self.languages.values()), Counter())),
            "languages": _listed(dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))),
        }

    def text(self) -> str:
        """For the terminal: a line a row."""
        return _text(self.rows)

    def markdown(self) -> str:
        """For TensorBoard: the rows, then a table of the languages' names in each part."""
        counts = (
            f"| {printable(language)} | {' | '.join(map(str, parts.values()))} |"
            for language, parts in self.languages.items()
        )
        head = ["| language | train | val | test |", "|---|--:|--:|--:|"]
        return "\n".join([_markdown("names", self.rows), "", *head, *counts])


def _text(rows: dict[str, str]) -> str:
    width = max(map(len, rows))
    return "\n".join(f"  {label:<{width}}  {value}" for label, value in rows.items())


def _markdown(title: str, rows: dict[str, str]) -> str:
    return "\n".join([f"| {title} | |", "|---|---|", *(f"| {label} | {value} |" for label, value in rows.items())])


def _first(counts: Mapping[str, int], things: str) -> dict[str, int]:
    """The first of the counts and the sum of the others."""
    items = list(counts.items())
    others = {f"{len(items) - SHOWN} other {things}": sum(count for _, count in items[SHOWN:])}
    return dict(items[:SHOWN]) | (others if len(items) > SHOWN else {})


def _listed(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{printable(name)} {count:,}" for name, count in counts.items())
