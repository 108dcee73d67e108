"""Sources of poems: a collection of the registry such as the 全唐诗, or files of your own."""

import hashlib
import os
from functools import cached_property
from pathlib import Path

from tang.corpus.collections import Collection
from tang.corpus.fetch import fetch
from tang.errors import InputError
from tang.text.files import check_size, find, read_bytes
from tang.text.layout import Layout
from tang.text.reading import SUFFIXES, Reading, read_poems


class CollectionSource:
    """The poems of a collection in ``folder``; missing files are fetched when they are read."""

    def __init__(self, collection: Collection, folder: Path) -> None:
        self.collection = collection
        self.folder = folder
        self.fingerprint = collection.fingerprint  # A hash that changes when the corpus does

    def __str__(self) -> str:
        return str(self.folder)

    def read(self) -> Reading:
        """Read the poems as printed."""
        return read_poems(fetch(self.collection, self.folder))


class FileSource:
    """A file of poems, or a folder with such files: text, JSON, tables, web pages; see :mod:`tang.text.reading`.

    ``layout`` says how the poems stand in text files, where that isn't to be found out. An InputError if ``path``
    doesn't exist, is a folder without such files, or is too large.
    """

    def __init__(self, path: Path, layout: Layout | None = None) -> None:
        if not os.path.exists(path):
            raise InputError(f"data.path={path}: no such file or folder")
        self.path = path
        self.layout = layout
        self.files = [path]
        self.others: list[Path] = []  # Files of other kinds
        if path.is_dir():
            # chinese-poetry keeps faulty twins of its files in folders named error.
            files = [file for file in find(path, "**/*") if "error" not in file.relative_to(path).parts[:-1]]
            files = [file for file in files if not any(part.startswith(".") for part in file.relative_to(path).parts)]
            self.files = [file for file in files if file.suffix.lower() in SUFFIXES]
            self.others = [file for file in files if file.suffix.lower() not in SUFFIXES]
        if not self.files:
            raise InputError(f"data.path={path}: no .txt, .json or .csv files in this folder")
        check_size(path, self.files)

    def __str__(self) -> str:
        return str(self.path)

    @cached_property
    def fingerprint(self) -> str:
        digests = [hashlib.sha256(read_bytes(file)).digest() for file in self.files]
        return hashlib.sha256(b"".join([*digests, (self.layout or "").encode()])).hexdigest()

    def read(self) -> Reading:
        """Read the poems as printed."""
        reading = read_poems(self.files, self.layout)
        for file in self.others:
            reading.left_out.add("files of other kinds", file.name)
        if not reading.poems:
            raise InputError(f"{self.path}: no poems in the files of this folder")
        return reading


Source = CollectionSource | FileSource  # A corpus before cleaning; str(source) names its file or folder
