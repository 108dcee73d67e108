"""From a corpus to ids on disk, once: later starts map the files and read no poem."""

import dataclasses
import hashlib
import json
import logging
import shutil
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pooch
from filelock import FileLock

from tang.corpus.clean import Poem, clean_all, in_script
from tang.corpus.sources import Source
from tang.data.card import Card
from tang.data.split import Part, split
from tang.data.vocabulary import BOS, EOS, Vocabulary
from tang.errors import InputError, printable
from tang.text.forms import Form, form_named, form_of, hanzi, stanzas
from tang.text.script import Script

log = logging.getLogger(__name__)

PARTS: tuple[Part, ...] = ("train", "val", "test")

VERSION = 1
"""Of cleaning, splitting and encoding together; raised when prepared files change, so that caches are made anew."""

FILES = ("tokens.npy", "offsets.npy", "meta.json")
HASHES = "sha256"
"""The file with the hashes of :data:`FILES`; they are checked before these are read."""


class Piece(NamedTuple):
    """What a model learns as one sequence: a poem or a stanza."""

    text: str
    form: Form | None
    """As printed, whatever was dropped or cut off since."""
    is_whole: bool
    """Whether nothing was cut off its end."""


@dataclass(frozen=True)
class Options:
    """What of a corpus becomes training data; each field is a key of the config's ``data``."""

    script: Script = "simplified"
    punctuation: Literal["keep", "drop"] = "keep"
    forms: tuple[str, ...] | None = None
    max_length: int | None = None
    stanzas: int | None = None
    min_count: int = 2
    max_train: int | None = None
    max_val: int | None = None

    def pieces(self, text: str) -> Iterator[Piece]:
        """The pieces of a poem to learn from; stanzas are cut first, ``forms`` then chooses among them."""
        wanted = None if self.forms is None else {form_named(name) for name in self.forms}
        for piece in stanzas(text, self.stanzas) if self.stanzas else [text]:
            form = form_of(piece)
            if wanted is None or form in wanted:
                kept = hanzi(piece) if self.punctuation == "drop" else piece
                yield Piece(kept[: self.max_length], form, is_whole=kept == kept[: self.max_length])


@dataclass(frozen=True)
class Sequences:
    """Sequences of ids, one after another in one array: ``<bos>`` characters ``<eos>``."""

    tokens: np.ndarray
    offsets: np.ndarray
    """Where each sequence begins in ``tokens``, and at last where the last one ends."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]

    @property
    def lengths(self) -> np.ndarray:
        """Predictions to make in each sequence: its characters and its end."""
        return np.diff(self.offsets) - 1


@dataclass(frozen=True)
class Prepared:
    """A corpus ready for training."""

    vocabulary: Vocabulary
    parts: dict[Part, Sequences]
    card: Card


def prepare(source: Source, options: Options, cache: Path, vocabulary: Vocabulary | None = None) -> Prepared:
    """The corpus under ``options``, from ``cache`` if it has been prepared before.

    ``vocabulary`` is that of a model trained before; by default it is built from the training part.

    Raises:
        InputError: the corpus is faulty, a part of the split would be empty, or ``cache`` can't be written.
    """
    folder = cache / _key(source, options, None)
    try:
        prepared = _open(folder)
        if vocabulary is not None and (prepared is None or prepared.vocabulary.symbols != vocabulary.symbols):
            folder = cache / _key(source, options, vocabulary)
            prepared = _open(folder)
        return prepared or _prepare(folder, source, options, vocabulary)
    except OSError as error:
        # NumPy says of a full disk only how much it could write.
        reason = error.strerror or f"the disk may be full ({error})"
        raise InputError(f"data.cache={cache}: {reason}") from None


def _prepare(folder: Path, source: Source, options: Options, vocabulary: Vocabulary | None) -> Prepared:
    """Make ``folder``, whole or not at all, unless another process did so meanwhile, and open it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if (prepared := _open(folder)) is not None:
            return prepared
        if folder.exists():
            log.info("corpus: %s is damaged and is prepared again", printable(folder))
            shutil.rmtree(folder)
        log.info("corpus: preparing, once for these options")
        staged = folder.with_suffix(".part")
        shutil.rmtree(staged, ignore_errors=True)  # of a process that was killed; the lock is ours
        try:
            staged.mkdir()
            _write(staged, source, options, vocabulary)
            staged.rename(folder)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
        prepared = _open(folder)
        assert prepared is not None  # it was written just now
        return prepared


def _key(source: Source, options: Options, vocabulary: Vocabulary | None) -> str:
    """A name for the prepared files that changes with all they depend on."""
    digest = hashlib.sha256(f"{VERSION} {source.fingerprint}".encode())
    digest.update(json.dumps(dataclasses.asdict(options)).encode())
    digest.update(json.dumps(vocabulary.symbols if vocabulary else None).encode())
    return digest.hexdigest()[:16]


def _write(folder: Path, source: Source, options: Options, vocabulary: Vocabulary | None) -> None:
    poems, dropped = clean_all(source.read())
    read = len(poems) + dropped.total()
    if not poems:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in dropped.items())
        raise InputError(f"{source}: no usable poems among the {read} in it ({reasons})")
    pieces = _split_pieces(poems, options)
    if vocabulary is None:
        vocabulary = Vocabulary.build((piece.text for piece in pieces["train"]), options.min_count)
    tokens, offsets = array("i"), [0]  # a list would take several times the memory
    for part in PARTS:
        for piece in pieces[part]:
            tokens.extend([BOS, *vocabulary.encode(piece.text), *([EOS] if piece.is_whole else [])])
            offsets.append(len(tokens))
    texts: dict[str, list[str]] = {part: [piece.text for piece in pieces[part]] for part in PARTS}
    forms = Counter(str(piece.form or "lines of unequal length") for part in PARTS for piece in pieces[part])
    card = Card.of(read, dict(dropped), len(poems), texts, forms, vocabulary)
    np.save(folder / "tokens.npy", np.array(tokens, dtype=np.int32))
    np.save(folder / "offsets.npy", np.array(offsets, dtype=np.int64))
    meta = {
        "vocabulary": vocabulary.symbols,
        "sizes": [len(pieces[part]) for part in PARTS],
        "card": dataclasses.asdict(card),
    }
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    (folder / HASHES).write_bytes(_hashes(folder))


def _hashes(folder: Path) -> bytes:
    return "".join(f"{pooch.file_hash(folder / name)}  {name}\n" for name in FILES).encode()


def _split_pieces(poems: list[Poem], options: Options) -> dict[Part, list[Piece]]:
    """The pieces of each part in the order of their poems' hashes, so that a prefix is a random subset."""
    ranked: dict[Part, list[tuple[float, int, Piece]]] = {part: [] for part in PARTS}
    for place, text in zip(split(poems), in_script(poems, options.script), strict=True):
        for number, piece in enumerate(options.pieces(text)):
            ranked[place.part].append((place.rank, number, piece))
    limits = {"train": options.max_train, "val": options.max_val, "test": None}
    pieces = {
        part: [piece for *_, piece in sorted(ranked[part], key=lambda item: item[:2])[: limits[part]]] for part in PARTS
    }
    for part in PARTS:
        if not pieces[part]:
            counts = ", ".join(f"{len(pieces[other])} {other}" for other in PARTS)
            raise InputError(
                f"the {part} part is empty: {len(poems)} clean poems give {counts} pieces; "
                "a few hundred poems give each part some; data.forms may leave out too many"
            )
    return pieces


def _open(folder: Path) -> Prepared | None:
    """What was prepared in ``folder``; None if there is nothing, or it isn't what was written."""
    try:
        is_whole = (folder / HASHES).read_bytes() == _hashes(folder)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        is_whole = False
    if not is_whole:
        return None
    meta: dict[str, Any] = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    # Mapped, not read; "c": PyTorch has no tensors that can't be written, and what is written stays in memory.
    tokens = np.load(folder / "tokens.npy", mmap_mode="c")
    offsets = np.load(folder / "offsets.npy", mmap_mode="c")
    ends = np.cumsum([0, *meta["sizes"]])
    parts = {
        part: Sequences(tokens, offsets[start : end + 1])
        for part, (start, end) in zip(PARTS, pairwise(ends), strict=True)
    }
    return Prepared(Vocabulary(meta["vocabulary"]), parts, Card(**meta["card"]))
