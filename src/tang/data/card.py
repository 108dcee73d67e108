"""Corpus cards: counts of what was read, dropped and kept, for the terminal and for TensorBoard."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from rich.cells import cell_len

from tang.corpus.clean import CleanCorpus
from tang.corpus.names import Name, Names
from tang.data.split import SPLITS, Split
from tang.data.vocabulary import Vocabulary
from tang.errors import printable
from tang.text.forms import DEFAULT_FORM, Form, is_form
from tang.text.reading import Reading, described
from tang.text.tally import Tally

COLUMNS = 100  # Width of the text
SHOWN = 8  # Number of shapes or dropped characters listed one by one; the others are summed up


class Rows:
    """A table of two columns."""

    title: ClassVar[str]

    @property
    def sizes(self) -> dict[str, int]:
        """Split → its sequences or names."""
        raise NotImplementedError

    @property
    def rows(self) -> dict[str, str]:
        """Label → counts in words."""
        raise NotImplementedError

    def text(self) -> str:
        """One aligned line for each row, for the terminal."""
        rows = self.rows
        width = max(map(len, rows))
        indent = " " * (width + 4)
        lines = {label: f"\n{indent}".join(_wrapped(value, COLUMNS - len(indent))) for label, value in rows.items()}
        return "\n".join(f"  {label:<{width}}  {value}" for label, value in lines.items())

    def markdown(self) -> str:
        """A Markdown table, for TensorBoard."""
        rows = (f"| {label} | {value} |" for label, value in self.rows.items())
        return "\n".join([f"| {self.title} | |", "|---|---|", *rows])


@dataclass(frozen=True)
class Card(Rows):
    """Counts that describe a corpus of poems under some options; the fields are stored with the prepared files."""

    title = "corpus"

    read: int
    ways: dict[str, int]  # How poems stand in the files → the number of these poems
    not_verse: Tally  # What else stands in the files, by kind
    dropped: Tally  # Poems, by the reason
    removed: Tally  # Parts of clean poems, by kind
    poems: int
    pieces: dict[str, int]  # Split → its sequences: poems, or the stanzas cut from them
    characters: dict[str, int]  # Split → its characters and marks
    unknown: dict[str, int]  # Split → its characters outside the vocabulary
    distinct: int
    vocabulary: int
    added: int  # Sequences of the train split that are of the corpus train_also
    shapes: dict[str, int]  # Form → its sequences, the commonest first
    form: str  # The commonest form of all, those with lines of unequal length one by one
    lengths: dict[str, int]  # Minimum, quantiles and maximum of the characters of a sequence

    @classmethod
    def of(
        cls,
        reading: Reading,
        corpus: CleanCorpus,
        texts: Mapping[Split, list[str]],
        shapes: Counter[Form],
        known: Vocabulary,
        added: int = 0,
    ) -> "Card":
        """The card of poems as read and as cleaned, which give these sequences of each split, of these shapes."""
        counts = {split: Counter("".join(of_split)) for split, of_split in texts.items()}
        named = Counter[str]()
        for form, count in shapes.items():
            named[str(form) if form.chars else "lines of unequal length"] += count
        sizes = [len(text) for of_split in texts.values() for text in of_split]
        lengths = np.quantile(sizes, [0.0, 0.5, 0.99, 1.0], method="nearest").tolist()
        return cls(
            read=len(reading.poems),
            ways=dict(reading.ways),
            not_verse=reading.left_out,
            dropped=corpus.dropped,
            removed=corpus.removed,
            poems=len(corpus.poems),
            pieces={split: len(of_split) for split, of_split in texts.items()},
            characters={split: count.total() for split, count in counts.items()},
            unknown={split: sum(count[c] for c in count if c not in known) for split, count in counts.items()},
            distinct=len(set().union(*counts.values())),
            vocabulary=len(known),
            added=added,
            shapes=dict(named.most_common()),
            form=commonest(shapes),
            lengths=dict(zip(("shortest", "median", "99 %", "longest"), lengths, strict=True)),
        )

    @property
    def sizes(self) -> dict[str, int]:
        return self.pieces

    @classmethod
    def stored(cls, fields: dict[str, Any]) -> "Card":
        """The card of the fields as JSON has them."""
        tallies = {name: Tally(**fields[name]) for name in ("not_verse", "dropped", "removed")}
        return cls(**{**fields, **tallies})

    @property
    def rows(self) -> dict[str, str]:
        told = {"not verse": self.not_verse, "dropped": self.dropped, "taken out": self.removed}
        unknown = (f"{s} {n:,} ({n / max(self.characters[s], 1):.2%})" for s, n in self.unknown.items())
        return {
            "poems read": f"{self.read:,}",
            "read as": printable(described(self.ways)),
            **{f"{what}: {kind}": printable(row) for what, tally in told.items() for kind, row in tally.rows()},
            "clean poems": f"{self.poems:,}",
            "sequences": _listed(self.pieces) + (f" ({self.added:,} of train are added)" if self.added else ""),
            "characters and marks": _listed(self.characters),
            "outside the vocabulary": ", ".join(unknown),
            "vocabulary": f"{self.vocabulary:,} symbols of {self.distinct:,} distinct characters",
            "shapes": _listed(self.shapes, "shapes"),
            "length in characters": _listed(self.lengths),
        }


class NameCard(Rows):
    """Counts that describe the corpus of names: names ``shared`` by ``languages``, and each one's by split."""

    title = "names"

    def __init__(self, cleaned: Names, splits: Mapping[Split, list[Name]]) -> None:
        self.cleaned = cleaned
        self.shared = sum(count > 1 for count in Counter(name.key for name in cleaned.names).values())
        counts = {split: Counter(name.language for name in names) for split, names in splits.items()}
        languages = sorted({name.language for name in cleaned.names})
        self.languages = {language: {split: counts[split][language] for split in splits} for language in languages}

    @property
    def sizes(self) -> dict[str, int]:
        return {split: sum(counts[split] for counts in self.languages.values()) for split in SPLITS}

    @property
    def rows(self) -> dict[str, str]:
        cleaned = self.cleaned
        sizes = {language: sum(counts.values()) for language, counts in self.languages.items()}
        return {
            "lines read": f"{cleaned.read:,}",
            "duplicates removed": ", ".join(f"{count:,} {kind}" for kind, count in cleaned.duplicates.items()),
            "lost their letters": _listed(cleaned.letterless) or "none",
            "characters dropped": _listed(cleaned.dropped, "characters") or "none",
            "letters": f"{len(cleaned.letters):,}",
            "names": f"{len(cleaned.names):,} of {len(self.languages)} languages",
            "names of several languages": f"{self.shared:,}",
            "splits": _listed(sum(map(Counter, self.languages.values()), Counter())),
            "languages": _listed(dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))),
        }

    def markdown(self) -> str:
        """The rows, then a table of each language's names by split."""
        rows = (f"| {printable(name)} | {' | '.join(map(str, n.values()))} |" for name, n in self.languages.items())
        return "\n".join([super().markdown(), "", "| language | train | val | test |", "|---|--:|--:|--:|", *rows])


def commonest(shapes: Mapping[Form, int]) -> str:
    """The name of the commonest form, of equally common ones the shortest; of those that poems can be asked for in."""
    named = [form for form in shapes if is_form(str(form))]
    return str(min(named, key=lambda form: (-shapes[form], sum(form.lengths), form))) if named else DEFAULT_FORM


def _wrapped(text: str, columns: int) -> list[str]:
    """``text`` in lines of so many columns of a terminal, broken after commas alone."""
    lines = [""]
    for part in text.split(", "):
        longer = f"{lines[-1]}, {part}" if lines[-1] else part
        if lines[-1] and cell_len(longer) > columns:
            lines[-1] += ","
            lines.append(part)
        else:
            lines[-1] = longer
    return lines


def _listed(counts: Mapping[Any, int], things: str | None = None) -> str:
    """Each name with its count; of ``things``, which may be many, those after the first few are summed up."""
    items = list(counts.items())
    if things and len(items) > SHOWN:
        items[SHOWN:] = [(f"{len(items) - SHOWN} other {things}", sum(count for _, count in items[SHOWN:]))]
    return ", ".join(f"{printable(name)} {count:,}" for name, count in items)
