"""Prepare a corpus once: clean, split and encode it to ids on disk; later runs map the files into memory."""

import hashlib
import json
import logging
import shutil
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pooch
from filelock import FileLock

from tang.config.data import PoemsConfig
from tang.corpus.clean import CleanPoem, clean_all, in_script
from tang.corpus.sources import Source
from tang.data.card import Card
from tang.data.split import SPLITS, Split, couplet_groups, split_poems
from tang.data.vocabulary import BOS, EOS, Vocabulary
from tang.errors import InputError, printable
from tang.text.forms import Form, form_named, hanzi, shape_of, stanzas
from tang.text.script import Script

log = logging.getLogger(__name__)

VERSION = 5  # Version of cleaning, splitting, encoding and file format; raising it invalidates all caches
FILES = ("tokens.npy", "offsets.npy", "meta.json")
OPTIONS = ("script", "punctuation", "forms", "max_length", "stanzas", "min_count", "max_train", "max_val")
HASHES = "sha256"  # The file with the hashes of FILES, which are verified before these are read


class Passage(NamedTuple):
    """One training sequence: a poem or a stanza."""

    text: str
    form: Form  # As printed
    is_whole: bool  # Whether the end was not cut off


def passages(text: str, config: PoemsConfig) -> Iterator[Passage]:
    """The training sequences of a poem; it is cut into stanzas first, and ``forms`` chooses among these."""
    wanted = None if config.forms is None else {form_named(name) for name in config.forms}
    for passage in stanzas(text, config.stanzas) if config.stanzas else [text]:
        form = shape_of(passage)
        if wanted is None or form in wanted:
            whole = hanzi(passage) if config.punctuation == "drop" else passage
            text = whole[: config.max_length]
            yield Passage(text, form, is_whole=text == whole)


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


def prepare(source: Source, config: PoemsConfig, vocabulary: Vocabulary | None = None) -> Prepared:
    """Prepare a corpus under the :data:`OPTIONS` of ``config``, or open it in its cache if that was done before.

    ``vocabulary`` is that of an earlier model; by default it is built from the train split. An InputError if the corpus
    is faulty, a split would be empty, or the cache can't be written.
    """
    cache = Path(config.cache)
    folder = cache / _key(source, config, None)
    try:
        prepared = _open(folder)
        if vocabulary is not None and (prepared is None or prepared.vocabulary.symbols != vocabulary.symbols):
            folder = cache / _key(source, config, vocabulary)
            prepared = _open(folder)
        if prepared is None:
            cache.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_suffix(".lock")):
                if _open(folder) is None:  # another process may have prepared it meanwhile
                    _create(folder, source, config, vocabulary)
            prepared = _open(folder)
            assert prepared is not None
        return prepared
    except OSError as error:
        # On a full disk NumPy's error has no strerror, only the number of bytes written.
        reason = error.strerror or f"the disk may be full ({error})"
        raise InputError(f"data.cache={cache}: {reason}") from None


def _create(folder: Path, source: Source, config: PoemsConfig, vocabulary: Vocabulary | None) -> None:
    """Write the prepared files to ``folder`` atomically, instead of damaged ones."""
    if folder.exists():
        log.info("corpus: %s is damaged and is prepared again", printable(folder))
        shutil.rmtree(folder)
    log.info("corpus: preparing, once for these options")
    staging = folder.with_suffix(".part")
    try:
        staging.mkdir(exist_ok=True)  # a process that was killed may have left it; this one holds the lock
        _write(staging, source, config, vocabulary)
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _key(source: Source, config: PoemsConfig, vocabulary: Vocabulary | None) -> str:
    """The name of a folder of prepared files: a hash of all that they depend on."""
    digest = hashlib.sha256(f"{VERSION} {source.fingerprint}".encode())
    digest.update(json.dumps({name: getattr(config, name) for name in OPTIONS}).encode())
    digest.update(json.dumps(vocabulary.symbols if vocabulary else None).encode())
    return digest.hexdigest()[:16]


def _write(folder: Path, source: Source, config: PoemsConfig, vocabulary: Vocabulary | None) -> None:
    reading = source.read()
    log.info("corpus: %s", printable(reading))
    corpus = clean_all(poem.text for poem in reading.poems)
    poems = corpus.poems
    if not poems:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in corpus.dropped.counts.items())
        raise InputError(f"{source}: no usable poems among {reading} ({reasons})")
    parts = _split(poems, config)
    texts = {split: [passage.text for passage in parts[split]] for split in SPLITS}
    if vocabulary is None:
        vocabulary = Vocabulary.build(texts["train"], config.min_count)
    tokens, offsets = array("i"), [0]  # a list of tokens would take several times the memory
    for passage in chain(*parts.values()):
        tokens.extend([BOS, *vocabulary.encode(passage.text), *([EOS] if passage.is_whole else [])])
        offsets.append(len(tokens))
    forms = Counter(passage.form for passage in chain(*parts.values()))
    np.save(folder / "tokens.npy", np.array(tokens, dtype=np.int32))
    np.save(folder / "offsets.npy", np.array(offsets, dtype=np.int64))
    meta = {
        "vocabulary": vocabulary.symbols,
        "sizes": [len(parts[split]) for split in SPLITS],
        "card": asdict(Card.of(reading, corpus, texts, forms, vocabulary)),
    }
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    (folder / HASHES).write_bytes(_hashes(folder))


def _hashes(folder: Path) -> bytes:
    return "".join(f"{pooch.file_hash(folder / name)}  {name}\n" for name in FILES).encode()


def _split(poems: list[CleanPoem], config: PoemsConfig) -> dict[Split, list[Passage]]:
    """The sequences of each split in the order of their poems' hashes, so that a prefix is a random subset."""
    assigned = zip(split_poems(poems), in_script(poems, cast(Script, config.script)), strict=True)
    parts: dict[Split, list[Passage]] = {split: [] for split in SPLITS}
    for assignment, text in sorted(assigned, key=lambda entry: entry[0].rank):
        parts[assignment.split] += passages(text, config)
    parts["train"] = parts["train"][: config.max_train]
    parts["val"] = parts["val"][: config.max_val]
    for split in SPLITS:
        if not parts[split]:
            counts = ", ".join(f"{len(parts[other])} {other}" for other in SPLITS)
            given = f"{len(poems)} clean poems give {counts} sequences"
            raise InputError(f"the {split} split is empty: {given}; {_advice(poems, config)}")
    return parts


def _advice(poems: list[CleanPoem], config: PoemsConfig) -> str:
    """What to do about an empty split."""
    groups = len(set(couplet_groups(poems)))
    if groups < len(poems) / 2:
        return f"poems that share a couplet stay together, and these form {groups} groups; give more that share none"
    if config.forms is not None:
        return f"data.forms=[{','.join(config.forms)}] leaves too few; give more of these forms, or data.forms=null"
    return "give a few hundred poems or more"


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
    return Prepared(
        Vocabulary(meta["vocabulary"]), dict(zip(SPLITS, sequences, strict=True)), Card.stored(meta["card"])
    )
