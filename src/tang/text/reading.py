"""Read the poems of any file: text, JSON, tables, web pages. What was seen and what was left out is told."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tang.errors import InputError
from tang.text.characters import normalize, scripts
from tang.text.files import read_text
from tang.text.forms import hanzi
from tang.text.layout import Found, Layout, find_poems
from tang.text.notes import without_notes
from tang.text.records import Records, from_json
from tang.text.tables import from_table, has_header
from tang.text.tags import without_tags
from tang.text.tally import Tally

SUFFIXES = (".txt", ".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".md", ".html", ".htm")  # Files read in a folder
SHOWN = 8  # Number of keys named in a message

_JSON = re.compile(r"\s*[\[{]\s*[\[{\"]")
_PAGE = re.compile(r"\s*<(?:!doctype|html|\?xml)\b", re.IGNORECASE)
_NO_VERSE = re.compile(r"(?:readme|license|licence|changelog)\b", re.IGNORECASE)


@dataclass
class Reading:
    """The poems of one or several files."""

    poems: list[Found] = field(default_factory=list)
    ways: Counter[str] = field(default_factory=Counter)  # How poems stand in the files → the number of these poems
    left_out: Tally = field(default_factory=Tally)

    def __str__(self) -> str:
        """What was seen, in one line: ``400 poems in blocks between blank lines, with titles``."""
        return described(self.ways)

    def with_all_of(self, other: "Reading") -> "Reading":
        """Both readings' poems and counts."""
        left_out = Tally()
        for reading in (self, other):
            left_out.update(reading.left_out)
        return Reading(self.poems + other.poems, self.ways + other.ways, left_out)

    def add(self, poems: list[Found], way: str, left_out: Tally) -> None:
        self.poems += poems
        if poems:
            self.left_out.update(left_out)
            self.ways[way] += len(poems)


def described(ways: Mapping[str, int]) -> str:
    """How poems stand in the files, in words: ``400 poems one a line; 20 poems in JSON (content)``."""
    parts = (f"{count:,} {'poem' if count == 1 else 'poems'} {way}" for way, count in ways.items())
    return "; ".join(parts).replace(" ,", ",").rstrip() or "no poems"


def read_poems(paths: Sequence[Path], layout: Layout | None = None) -> Reading:
    """The poems of ``paths``; ``layout`` None finds out how they stand in each text file.

    An InputError names the file that can't be read, is broken, or whose poems can't be told apart, and the one file
    that holds no poems. Of several files those without poems are counted.
    """
    reading = Reading()
    for path in paths:
        if len(paths) > 1 and _NO_VERSE.match(path.name):
            reading.left_out.add("files without poems", path.name)
            continue
        before = len(reading.poems)
        problem = _read(path, layout, reading)
        if len(reading.poems) == before:
            if len(paths) == 1:
                raise InputError(f"{path}: {problem}")
            reading.left_out.add("files without poems", path.name)
    return reading


def _read(path: Path, layout: Layout | None, reading: Reading) -> str:
    """Add the poems of a file to ``reading``; returns what is the matter if it holds none."""
    text, suffix = read_text(path), path.suffix.lower()
    if not text.strip():
        return "is empty: no poems in it"
    is_json = suffix in (".json", ".jsonl", ".ndjson")
    if is_json or _JSON.match(text):
        try:
            return _add_records(*from_json(text, path), reading)
        except InputError:
            if is_json:
                raise
    if (suffix in (".csv", ".tsv") or has_header(text)) and (table := from_table(text, path)):
        return _add_records(table, "a table", reading)
    text = normalize(without_tags(text, is_page=suffix in (".html", ".htm", ".xml") or bool(_PAGE.match(text))))
    others = scripts("".join(without_notes(line).text for line in text.splitlines() if hanzi(line)) or text)
    if others.total() > len(hanzi(text)):
        return f"no poems in it: not in Chinese characters ({others.most_common(1)[0][0]})"
    reading.add(*find_poems(text, str(path), layout))
    return "no poems in it: give one a line, or blank lines between them, or JSON"


def _add_records(records: Records, kind: str, reading: Reading) -> str:
    with_titles = sum(bool(poem.title) for poem in records.poems) > len(records.poems) / 2
    way = f"in {kind} ({', '.join(records.verse_keys) or 'strings'}){', with titles' if with_titles else ''}"
    reading.add(records.poems, way, records.left_out)
    keys = ", ".join(list(records.keys)[:SHOWN])
    return f"no poems in it: no verse under a key such as paragraphs or content; its keys are: {keys or 'none'}"
