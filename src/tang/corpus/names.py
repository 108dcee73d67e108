"""Read names of several languages, one file a language and one name a line, and clean them to distinct ones.

The surnames of 18 languages are those of the tutorial "Classifying Names with a Character-Level RNN" (Sean Robertson,
2017, MIT license). They have duplicates: Arabic.txt has 2,000 lines and 108 names.
"""

import hashlib
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from tang.corpus.collections import NAMES
from tang.corpus.fetch import fetch
from tang.errors import InputError
from tang.text.files import check_size, find, read_bytes, read_text

LETTERS = string.ascii_letters + " .,;'"  # The 57 characters of a clean name in ASCII
SIGNS = " .,;'’-·・"  # Characters beside letters that a name may have in any script
_NO_LANGUAGE = re.compile(r"\.|(?:readme|license|licence|changelog)\b", re.IGNORECASE)
MAX_LENGTH = 200  # Most characters of a line


class Name(NamedTuple):
    """A clean name and its language."""

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
    duplicates: dict[str, int]  # Lines that repeat a name of their language: as printed, or after cleaning
    letterless: dict[str, int]  # Language → names of which cleaning leaves half of the letters or fewer
    dropped: dict[str, int]  # Character that cleaning removes → its count, the commonest first
    letters: str  # Characters of the names, in the order of their ids


class NameSource:
    """The names in ``path``, files LANGUAGE.txt or folders LANGUAGE of text files, or those of the 18 languages.

    The latter are in ``dir``, and fetched where missing. An InputError if there is no folder ``path``, or it has fewer
    than two languages.
    """

    def __init__(self, dir: Path, path: Path | None = None) -> None:
        self.dir = dir
        self.path = path
        self.own = {} if path is None else _own_files(path)
        self.languages = sorted(self.own or [Path(file).stem for file in NAMES.files])

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the files' names and contents."""
        if self.path is None:
            return NAMES.fingerprint
        files = sorted(file for files in self.own.values() for file in files)
        contents = [(file.relative_to(self.path).as_posix(), read_bytes(file)) for file in files]
        return hashlib.sha256(repr(contents).encode()).hexdigest()

    def read(self) -> dict[str, list[str]]:
        """Read the lines of each language; InputError if a file can't be had or isn't UTF-8, or a line is too long."""
        files = self.own or {file.stem: [file] for file in fetch(NAMES, self.dir)}
        return {language: [line for file in files[language] for line in _lines(file)] for language in files}


def _own_files(path: Path) -> dict[str, list[Path]]:
    """Language → its files in the folder ``path``."""
    languages: dict[str, list[Path]] = {}
    for file in find(path, "**/*.[tT][xX][tT]"):
        first, *others = parts = file.relative_to(path).parts
        if file.is_file() and not any(map(_NO_LANGUAGE.match, parts)):
            languages.setdefault(first if others else file.stem, []).append(file)
    if len(languages) < 2:
        problem = "" if path.is_dir() else "no such folder; "
        needed = "give a folder with two languages or more: files LANGUAGE.txt or folders LANGUAGE, one name a line"
        raise InputError(f"data.path={path}: {problem}{needed}")
    check_size(path, [file for files in languages.values() for file in files])
    return languages


def _lines(file: Path) -> list[str]:
    lines = read_text(file).splitlines()
    for number, line in enumerate(lines, start=1):
        if len(line) > MAX_LENGTH:
            raise InputError(f"{file}: line {number}: longer than {MAX_LENGTH} characters; a line is one name")
    return lines


def in_ascii(text: str) -> str:
    """``text`` in :data:`LETTERS`: accents go (é becomes e), other characters too (ß, ł, -); "" without any letter."""
    return _with_letters(character for character in _unaccented(text) if character in LETTERS)


def as_is(text: str) -> str:
    """``text`` in its own letters and :data:`SIGNS`, whatever its script; "" without any letter."""
    return _with_letters(character for character in normalized(text) if _belongs(character))


def normalized(text: str) -> str:
    """``text``, cut to :data:`MAX_LENGTH`, with letters and accents as one character where there is one (NFC)."""
    return unicodedata.normalize("NFC", text[:MAX_LENGTH])


def _belongs(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM" or character in SIGNS


def _with_letters(characters: Iterable[str]) -> str:
    kept = "".join(characters).strip()
    return kept if any(map(str.isalpha, kept)) else ""


def _unaccented(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def clean_names(lines: Mapping[str, Sequence[str]], ascii: bool = True) -> Names:
    """Clean the lines of each language, to ASCII or as they are, and drop duplicates.

    An InputError names the language of which most names would be lost.
    """
    clean, plain, kept = (in_ascii, _unaccented, LETTERS.__contains__) if ascii else (as_is, normalized, _belongs)
    printed = [(line.strip(), language) for language in lines for line in lines[language] if line.strip()]
    distinct = sorted(set(printed))
    names = [Name(clean(text), language) for text, language in distinct]
    whole = [
        name for name, (text, _) in zip(names, distinct, strict=True) if _letters(name.text) * 2 > _letters(plain(text))
    ]
    unique = {(name.key, name.language): name for name in whole}
    letterless = Counter(language for _, language in distinct) - Counter(name.language for name in whole)
    totals = Counter(language for _, language in distinct)
    for language in lines:
        total, lost = totals[language], letterless[language]
        if lost > total / 2 or total == 0:
            raise InputError(_lost(language, total, lost, ascii))
    dropped = Counter(character for text, _ in printed for character in plain(text) if not kept(character))
    return Names(
        names=sorted(unique.values(), key=lambda name: (name.language, name.text)),
        read=sum(map(len, lines.values())),
        duplicates={
            "as printed": len(printed) - len(distinct),
            "in ASCII" if ascii else "cleaned": len(whole) - len(unique),
        },
        letterless=dict(sorted(letterless.items())),
        dropped=dict(sorted(dropped.items(), key=lambda item: (-item[1], item[0]))),
        letters=LETTERS if ascii else "".join(sorted(set().union(*(name.text for name in whole)))),
    )


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def _lost(language: str, total: int, lost: int, ascii: bool) -> str:
    """The message for a language without names, or one that would lose most of them."""
    if total == 0:
        return f"{language}: no names in its file; give one a line, or take the file away"
    if not ascii:
        return f"{language}: {lost} of {total} names have no letters; a line is one name"
    return (
        f"{language}: {lost} of {total} names aren't in Latin letters, which data.ascii=true keeps alone; leave it out"
    )
