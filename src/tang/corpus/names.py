"""Surnames of 18 languages: one file a language, one name a line; brought to ASCII, each once.

The files are those of the tutorial "Classifying Names with a Character-Level RNN" (Sean Robertson,
2017, MIT licence). They repeat themselves: Arabic.txt has 2,000 lines and 108 names.
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

from tang.corpus.fetch import Collection, fetch, registry
from tang.corpus.sources import check_size, read_bytes, read_text
from tang.errors import InputError

LETTERS = string.ascii_letters + " .,;'"
"""The 57 characters that a name may have."""

MAX_LENGTH = 200
"""Characters of a line."""

NAMES = Collection(
    title="the corpus of names",
    repository="spro/practical-pytorch",
    commit="c520c52e68e945d88fff563dba1c028b6ec0197b",
    folder="data/names",
    files=registry("names"),
)


class Name(NamedTuple):
    """A name and the language that it is given for."""

    text: str
    """Of :data:`LETTERS` alone."""
    language: str

    @property
    def key(self) -> str:
        """What identifies the name: its letters, large or small."""
        return self.text.casefold()


@dataclass(frozen=True)
class Names:
    """The names of all languages after cleaning."""

    names: list[Name]
    """In order of language and name; a language has each once, several may share it."""
    read: int
    """Lines."""
    duplicates: dict[str, int]
    """Lines that repeat a name of their language: as they are printed, or as :func:`to_letters` leaves them."""
    letterless: int
    """Lines of which :func:`to_letters` leaves nothing; they are left out."""
    dropped: dict[str, int]
    """Characters that are no letter of :data:`LETTERS`, without their accents, the commonest first."""


class NameSource:
    """Files LANGUAGE.txt: the 18 of :data:`NAMES` in ``dir``, fetched when they aren't there, or those in ``path``.

    Raises:
        InputError: there is no folder ``path``, or there are fewer than two such files in it.
    """

    def __init__(self, dir: Path, path: Path | None = None) -> None:
        self.dir = dir
        self.own = None if path is None else _files(path)

    @property
    def languages(self) -> list[str]:
        """In alphabetical order."""
        return sorted(Path(file).stem for file in (NAMES.files if self.own is None else self.own))

    @cached_property
    def fingerprint(self) -> str:
        """What changes when the names change."""
        if self.own is None:
            return NAMES.fingerprint
        return hashlib.sha256(repr([(file.name, read_bytes(file)) for file in self.own]).encode()).hexdigest()

    def read(self) -> dict[str, list[str]]:
        """Language → its lines.

        Raises:
            InputError: a file is missing and can't be fetched, isn't UTF-8, or has a line that is no name.
        """
        files = fetch(NAMES, self.dir) if self.own is None else self.own
        return {file.stem: _lines(file) for file in files}


def _files(folder: Path) -> list[Path]:
    try:
        files = sorted(file for file in folder.glob("*.txt") if file.is_file())
    except OSError as error:
        raise InputError(f"data.path={folder}: {error.strerror}") from None
    if len(files) < 2:
        problem = "a folder is needed with two files LANGUAGE.txt or more, one name a line"
        raise InputError(f"data.path={folder}: {problem}")
    check_size(folder, files)
    return files


def _lines(file: Path) -> list[str]:
    lines = read_text(file).splitlines()
    if number := next((number for number, line in enumerate(lines, start=1) if len(line) > MAX_LENGTH), None):
        raise InputError(f"{file}: line {number}: longer than {MAX_LENGTH} characters; a line is one name")
    return lines


def to_letters(text: str) -> str:
    """``text`` in :data:`LETTERS`: accents come off (é becomes e), every other character goes (ß, ł, -).

    Nothing is left of a text without a letter from A to Z.
    """
    kept = "".join(character for character in _unaccented(text) if character in LETTERS).strip()
    return kept if any(map(str.isalpha, kept)) else ""


def _unaccented(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def clean_names(lines: Mapping[str, Sequence[str]]) -> Names:
    """The names among the lines of each language."""
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
