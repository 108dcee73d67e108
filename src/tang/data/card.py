"""The corpus card: what was read, what was dropped and why, and what is left."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from tang.data.vocabulary import Vocabulary

SHAPES_SHOWN = 8


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
        quantiles = {"shortest": 0.0, "median": 0.5, "99 %": 0.99, "longest": 1.0}
        lengths = np.quantile([len(text) for text in everything], list(quantiles.values()), method="nearest")
        return cls(
            read=read,
            dropped=dropped,
            poems=poems,
            pieces={part: len(texts) for part, texts in parts.items()},
            characters={part: sum(map(len, texts)) for part, texts in parts.items()},
            unknown={part: sum(c not in vocabulary for text in texts for c in text) for part, texts in parts.items()},
            distinct=len(set().union(*everything)),
            vocabulary=len(vocabulary),
            shapes=dict(shapes.most_common()),
            lengths={name: int(length) for name, length in zip(quantiles, lengths, strict=True)},
        )

    @property
    def rows(self) -> dict[str, str]:
        """What is counted → the counts, as one reads them."""
        others = len(self.shapes) - SHAPES_SHOWN
        more = {f"{others} other shapes": sum(list(self.shapes.values())[SHAPES_SHOWN:])} if others > 0 else {}
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
            "shapes": _listed(dict(list(self.shapes.items())[:SHAPES_SHOWN]) | more),
            "length in characters": _listed(self.lengths),
        }

    def text(self) -> str:
        """For the terminal: a line a row."""
        width = max(map(len, self.rows))
        return "\n".join(f"  {label:<{width}}  {value}" for label, value in self.rows.items())

    def markdown(self) -> str:
        """For TensorBoard: a table."""
        return "\n".join(
            ["| corpus | |", "|---|---|", *(f"| {label} | {value} |" for label, value in self.rows.items())]
        )


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
