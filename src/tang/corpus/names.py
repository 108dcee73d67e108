"""Read surnames of 18 languages, one file a language and one name a line, and clean them to distinct ASCII names.

The files are those of the tutorial "Classifying Names with a Character-Level RNN" (Sean Robertson,
2017, MIT license). They have duplicates: Arabic.txt has 2,000 lines and 108 names.
"""

import hashlib
import string
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from tang.corpus.collections import NAMES
from tang.corpus.fetch import fetch
from tang.errors import InputError
from tang.text.files import check_size, find, read_bytes, read_text

LETTERS = string.ascii_letters + " .,;'"  # The 57 characters of a clean name
MAX_LENGTH = 200  # Most characters of a line


class Name(NamedTuple):
    """A clean name, in :data:`LETTERS` alone, and its language."""

    text: str
    language: str

    @property
    def key(self) -> str:
        """The case-folded text: equal for names that differ in capitals alone."""
        return self.text.casefold()


@dataclass(frozen=True)
class Names:
    """The clean names of all languages, and counts of what cleaning removed."""

    names: list[Name]  # Sorted by language and name; distinct within a language, but languages may share one
    read: int  # Lines
    duplicates: dict[str, int]  # Lines that repeat a name of their language: as printed, or in ASCII after cleaning
    letterless: int  # Lines of which to_letters leaves nothing
    dropped: dict[str, int]  # Character (without accent) outside LETTERS → its count, the commonest first


class NameSource:
    """Files LANGUAGE.txt: those in ``path`` if it is given, else the collection in ``dir``, fetched where missing.

    An InputError if there is no folder ``path``, or it has fewer than two such files.
    """

    def __init__(self, dir: Path, path: Path | None = None) -> None:
        self.dir = dir
        self.own = [] if path is None else [file for file in find(path, "*.txt") if file.is_file()]
        if path is not None:
            if len(self.own) < 2:
                needed = "a folder is needed with two files LANGUAGE.txt or more, one name a line"
                raise InputError(f"data.path={path}: {needed}")
            check_size(path, self.own)
        self.languages = sorted(Path(file).stem for file in self.own or NAMES.files)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the files' names and contents."""
        if not self.own:
            return NAMES.fingerprint
        return hashlib.sha256(repr([(file.name, read_bytes(file)) for file in self.own]).encode()).hexdigest()

    def read(self) -> dict[str, list[str]]:
        """Read the lines of each language; InputError if a file can't be had or isn't UTF-8, or a line is too long."""
        lines = {}
        for file in self.own or fetch(NAMES, self.dir):
            lines[file.stem] = read_text(file).splitlines()
            for number, line in enumerate(lines[file.stem], start=1):
                if len(line) > MAX_LENGTH:
                    raise InputError(f"{file}: line {number}: longer than {MAX_LENGTH} characters; a line is one name")
        return lines


def to_letters(text: str) -> str:
    """``text`` in :data:`LETTERS`: accents go (é becomes e), other characters too (ß, ł, -); "" without any letter."""
    kept = "".join(character for character in _unaccented(text) if character in LETTERS).strip()
    return kept if any(map(str.isalpha, kept)) else ""


def _unaccented(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def clean_names(lines: Mapping[str, Sequence[str]]) -> Names:
    """Clean the lines of each language and drop duplicates."""
    printed = [(line.strip(), language) for language in lines for line in lines[language]]
    distinct = sorted(set(printed))
    lettered = [name for name in (Name(to_letters(text), language) for text, language in distinct) if name.text]
    unique = {(name.key, name.language): name for name in lettered}
    dropped = Counter(character for text, _ in printed for character in _unaccented(text) if character not in LETTERS)
    return Names(
        names=sorted(unique.values(), key=lambda name: (name.language, name.text)),
        read=len(printed),
        duplicates={"as printed": len(printed) - len(distinct), "in ASCII": len(lettered) - len(unique)},
        letterless=len(distinct) - len(lettered),
        dropped=dict(sorted(dropped.items(), key=lambda item: (-item[1], item[0]))),
    )
