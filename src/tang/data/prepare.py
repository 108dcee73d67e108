"""Prepare a corpus once: clean, split and encode it to ids on disk; later runs map the files into memory."""

import hashlib
import json
import logging
import shutil
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pooch
from filelock import FileLock

from tang.corpus.clean import CleanPoem, clean_all, in_script
from tang.corpus.sources import Source
from tang.data.card import Card
from tang.data.split import SPLITS, Split, split_poems
from tang.data.vocabulary import BOS, EOS, Vocabulary
from tang.errors import InputError, printable
from tang.text.forms import Form, form_named, form_of, hanzi, stanzas
from tang.text.script import Script

log = logging.getLogger(__name__)

VERSION = 1  # Version of cleaning, splitting, encoding and file format; raising it invalidates all caches
FILES = ("tokens.npy", "offsets.npy", "meta.json")
HASHES = "sha256"  # The file with the hashes of FILES, which are verified before these are read


class Piece(NamedTuple):
    """One training sequence: a poem or a stanza."""

    text: str
    form: Form | None  # As printed
    is_whole: bool  # Whether the end was not cut off


@dataclass(frozen=True)
class Options:
    """Which sequences to make of a corpus; the fields are keys of :class:`~tang.config.data.PoemsConfig`."""

    script: Script = "simplified"
    punctuation: Literal["keep", "drop"] = "keep"
    forms: Sequence[str] | None = None
    max_length: int | None = None
    stanzas: int | None = None
    min_count: int = 2
    max_train: int | None = None
    max_val: int | None = None

    def pieces(self, text: str) -> Iterator[Piece]:
        """The sequences of a poem; it is cut into stanzas first, and ``forms`` chooses among these."""
        wanted = None if self.forms is None else {form_named(name) for name in self.forms}
        for piece in stanzas(text, self.stanzas) if self.stanzas else [text]:
            form = form_of(piece)
            if wanted is None or form in wanted:
                whole = hanzi(piece) if self.punctuation == "drop" else piece
                text = whole[: self.max_length]
                yield Piece(text, form, is_whole=text == whole)


@dataclass(frozen=True)
class Sequences:
    """Sequences of ids ``<bos> … <eos>``."""

    tokens: np.ndarray  # Those of all sequences, one after another
    offsets: np.ndarray  # (N + 1,) the start of each sequence in tokens, then the end of the last one

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]

    @property
    def lengths(self) -> np.ndarray:
        """(N,) targets of each sequence: its characters and its end."""
        return np.diff(self.offsets) - 1


@dataclass(frozen=True)
class Prepared:
    """A corpus ready for training."""

    vocabulary: Vocabulary
    splits: dict[Split, Sequences]
    card: Card


def prepare(source: Source, options: Options, cache: Path, vocabulary: Vocabulary | None = None) -> Prepared:
    """Prepare a corpus under ``options``, or open it in ``cache`` if that was done before.

    ``vocabulary`` is that of an earlier model; by default it is built from the train split.

    Raises:
        InputError: the corpus is faulty, a split would be empty, or ``cache`` can't be written.
    """
    folder = cache / _key(source, options, None)
    try:
        prepared = _open(folder)
        if vocabulary is not None and (prepared is None or prepared.vocabulary.symbols != vocabulary.symbols):
            folder = cache / _key(source, options, vocabulary)
            prepared = _open(folder)
        if prepared is None:
            cache.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_suffix(".lock")):
                if _open(folder) is None:  # another process may have prepared it meanwhile
                    _create(folder, source, options, vocabulary)
            prepared = _open(folder)
            assert prepared is not None
        return prepared
    except OSError as error:
        # On a full disk NumPy's error has no strerror, only the number of bytes written.
        reason = error.strerror or f"the disk may be full ({error})"
        raise InputError(f"data.cache={cache}: {reason}") from None


def _create(folder: Path, source: Source, options: Options, vocabulary: Vocabulary | None) -> None:
    """Write the prepared files to ``folder`` atomically, instead of damaged ones."""
    if folder.exists():
        log.info("corpus: %s is damaged and is prepared again", printable(folder))
        shutil.rmtree(folder)
    log.info("corpus: preparing, once for these options")
    staging = folder.with_suffix(".part")
    try:
        staging.mkdir(exist_ok=True)  # a process that was killed may have left it; this one holds the lock
        _write(staging, source, options, vocabulary)
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _key(source: Source, options: Options, vocabulary: Vocabulary | None) -> str:
    """The name of a folder of prepared files: a hash of all that they depend on."""
    digest = hashlib.sha256(f"{VERSION} {source.fingerprint}".encode())
    digest.update(json.dumps(asdict(options)).encode())
    digest.update(json.dumps(vocabulary.symbols if vocabulary else None).encode())
    return digest.hexdigest()[:16]


def _write(folder: Path, source: Source, options: Options, vocabulary: Vocabulary | None) -> None:
    poems, dropped = clean_all(source.read())
    if not poems:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in dropped.items())
        raise InputError(f"{source}: no usable poems among the {dropped.total()} in it ({reasons})")
    pieces = _split_pieces(poems, options)
    texts = {split: [piece.text for piece in pieces[split]] for split in SPLITS}
    if vocabulary is None:
        vocabulary = Vocabulary.build(texts["train"], options.min_count)
    tokens, offsets = array("i"), [0]  # a list of tokens would take several times the memory
    for piece in chain(*pieces.values()):
        tokens.extend([BOS, *vocabulary.encode(piece.text), *([EOS] if piece.is_whole else [])])
        offsets.append(len(tokens))
    forms = Counter(str(piece.form or "lines of unequal length") for piece in chain(*pieces.values()))
    np.save(folder / "tokens.npy", np.array(tokens, dtype=np.int32))
    np.save(folder / "offsets.npy", np.array(offsets, dtype=np.int64))
    meta = {
        "vocabulary": vocabulary.symbols,
        "sizes": [len(pieces[split]) for split in SPLITS],
        "card": asdict(Card.of(dropped, len(poems), texts, forms, vocabulary)),
    }
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    (folder / HASHES).write_bytes(_hashes(folder))


def _hashes(folder: Path) -> bytes:
    return "".join(f"{pooch.file_hash(folder / name)}  {name}\n" for name in FILES).encode()


def _split_pieces(poems: list[CleanPoem], options: Options) -> dict[Split, list[Piece]]:
    """The sequences of each split in the order of their poems' hashes, so that a prefix is a random subset."""
    places = zip(split_poems(poems), in_script(poems, options.script), strict=True)
    pieces: dict[Split, list[Piece]] = {split: [] for split in SPLITS}
    for place, text in sorted(places, key=lambda entry: entry[0].rank):
        pieces[place.split] += options.pieces(text)
    pieces["train"] = pieces["train"][: options.max_train]
    pieces["val"] = pieces["val"][: options.max_val]
    for split in SPLITS:
        if not pieces[split]:
            counts = ", ".join(f"{len(pieces[other])} {other}" for other in SPLITS)
            raise InputError(
                f"the {split} split is empty: {len(poems)} clean poems give {counts} sequences; "
                "give a few hundred poems or more; data.forms may leave out too many"
            )
    return pieces


def _open(folder: Path) -> Prepared | None:
    """Open the prepared files in ``folder``; None if they are missing or their hashes don't match."""
    try:
        if (folder / HASHES).read_bytes() != _hashes(folder):
            return None
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    meta: dict[str, Any] = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    # Mode "c" maps copy-on-write: PyTorch wants arrays that are writable, and the files stay as they are.
    tokens = np.load(folder / "tokens.npy", mmap_mode="c")
    offsets = np.load(folder / "offsets.npy", mmap_mode="c")
    bounds = pairwise(np.cumsum([0, *meta["sizes"]]))
    sequences = [Sequences(tokens, offsets[first : last + 1]) for first, last in bounds]
    return Prepared(Vocabulary(meta["vocabulary"]), dict(zip(SPLITS, sequences, strict=True)), Card(**meta["card"]))
