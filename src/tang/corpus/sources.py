"""Sources of poems: a collection of the registry such as the 全唐诗, a text file, or JSON of the same shape."""

import hashlib
import json
import logging
import os
import re
import stat
from functools import cached_property
from pathlib import Path
from typing import Any

from tang.corpus.collections import Collection
from tang.corpus.fetch import fetch
from tang.errors import InputError, printable

log = logging.getLogger(__name__)

# Largest corpus: eight times the 全唐诗. Preparing a corpus takes up to forty times its size in memory.
MAX_MEGABYTES = 200


class CollectionSource:
    """The poems of a collection in ``folder``; missing files are fetched when they are read."""

    def __init__(self, collection: Collection, folder: Path) -> None:
        self.collection = collection
        self.folder = folder
        self.fingerprint = collection.fingerprint  # A hash that changes when the corpus does

    def __str__(self) -> str:
        return str(self.folder)

    def read(self) -> list[str]:
        """Read the poems as printed, one string each."""
        return [poem for path in fetch(self.collection, self.folder) for poem in read_json(path) or ()]


class FileSource:
    """A UTF-8 text file with one poem a line, a JSON file, or a folder of JSON files.

    An InputError if ``path`` doesn't exist, is a folder without JSON files, or is too large.
    """

    def __init__(self, path: Path) -> None:
        if not os.path.exists(path):
            raise InputError(f"data.path={path}: no such file or folder")
        self.path = path
        self.files = [path]
        if path.is_dir():
            # chinese-poetry keeps faulty twins of its files in folders named error.
            self.files = [file for file in find(path, "**/*.json") if "error" not in file.relative_to(path).parts]
        if not self.files:
            raise InputError(f"data.path={path}: no .json files in this folder")
        check_size(path, self.files)

    def __str__(self) -> str:
        return str(self.path)

    @cached_property
    def fingerprint(self) -> str:
        digests = [hashlib.sha256(read_bytes(file)).digest() for file in self.files]
        return hashlib.sha256(b"".join(digests)).hexdigest()

    def read(self) -> list[str]:
        if self.path.is_file() and self.path.suffix.lower() != ".json":
            poems = [line for line in re.split(r"\r\n|\n|\r", read_text(self.path)) if line.strip()]
        else:
            poems = []
            for file in self.files:
                if (found := read_json(file)) is None:
                    log.info("corpus: skipped %s: not a list of objects with 'paragraphs'", printable(file))
                poems += found or []
        if not poems:
            raise InputError(f"{self.path}: no poems in it; give one poem a line, or JSON with 'paragraphs'")
        return poems


Source = CollectionSource | FileSource  # A corpus before cleaning; str(source) names its file or folder


def find(folder: Path, pattern: str) -> list[Path]:
    """The files in ``folder`` that match a glob pattern, sorted; InputError if it can't be searched."""
    try:
        return sorted(file for file in folder.glob(pattern) if not file.is_dir())
    except RecursionError:
        raise InputError(f"data.path={folder}: its folders are nested too deeply") from None
    except OSError as error:
        raise InputError(f"data.path={folder}: {error.strerror}") from None


def read_json(path: Path) -> list[str] | None:
    """Read the poems of a file shaped like chinese-poetry's, ``[{"paragraphs": ["…", …], …}, …]``.

    None if the file is JSON of another shape (authors, indexes). An InputError with the position of bad UTF-8, broken
    JSON or a malformed poem.
    """
    try:
        # Numbers are left as text: none of them matter, and Python refuses to parse very long ones.
        entries: Any = json.loads(read_text(path), parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: line {error.lineno}, column {error.colno}: broken JSON ({error.msg})") from None
    except RecursionError:
        raise InputError(f"{path}: broken JSON (nested too deeply)") from None
    if not isinstance(entries, list) or not any(isinstance(entry, dict) and "paragraphs" in entry for entry in entries):
        return None
    poems = []
    for number, entry in enumerate(entries, start=1):
        paragraphs = entry.get("paragraphs") if isinstance(entry, dict) else None
        if not isinstance(paragraphs, list) or not all(isinstance(paragraph, str) for paragraph in paragraphs):
            raise InputError(f"{path}: poem {number}: 'paragraphs' must be a list of strings")
        poems.append("".join(paragraphs))
    return poems


def check_size(path: Path, files: list[Path]) -> None:
    """Raise InputError if the ``files`` of ``path`` have more than :data:`MAX_MEGABYTES` in all."""
    megabytes = sum(os.path.getsize(file) for file in files if file.is_file()) / 1e6
    if megabytes > MAX_MEGABYTES:
        raise InputError(f"data.path={path}: {megabytes:,.0f} MB; a corpus may have {MAX_MEGABYTES}")


def read_bytes(path: Path) -> bytes:
    """Read a file; InputError if it can't be read, is a pipe or a device, or has more than :data:`MAX_MEGABYTES`."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path}: not a file")  # a pipe would block, a device may be endless
        if status.st_size > MAX_MEGABYTES * 1_000_000:
            raise InputError(f"{path}: more than {MAX_MEGABYTES} MB")
        with path.open("rb") as file:
            return file.read(status.st_size)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


def read_text(path: Path) -> str:
    """Read a UTF-8 file; InputError if it can't be read, or isn't UTF-8, with the position."""
    content = read_bytes(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise InputError(f"{path}: line {line}, byte {column}: not UTF-8; save the file as UTF-8") from None
