"""Prepare a corpus once: clean, split and encode it to ids on disk; later runs map the files into memory."""

import hashlib
import json
import logging
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain, pairwise, repeat
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pooch

from tang.atomic import sole_maker
from tang.config.data import PoemsConfig
from tang.corpus.clean import CleanCorpus, CleanPoem, clean_all, in_script, titles_in_script
from tang.corpus.sources import Source
from tang.data.added import addable
from tang.data.card import Card
from tang.data.sequences import Sequences, load, save
from tang.data.split import SPLITS, Assignment, Split, couplet_groups, split_poems
from tang.data.vocabulary import BOS, EOS, Vocabulary
from tang.errors import InputError, printable
from tang.text.forms import Form, form_named, hanzi, shape_of, stanzas
from tang.text.reading import Reading
from tang.text.script import Script

log = logging.getLogger(__name__)

VERSION = 6  # Version of cleaning, splitting, encoding and file format; raising it invalidates all caches
POEMS, TITLES = ("tokens.npy", "offsets.npy"), ("title_tokens.npy", "title_offsets.npy")
OPTIONS = (
    *("script", "punctuation", "forms", "max_length", "stanzas", "min_count", "max_train", "max_val"),
    *("titles", "shared_lines"),
)
HASHES = "sha256"  # The file with the hashes of all others, which are verified before these are read


class Passage(NamedTuple):
    """One training sequence: a poem or a stanza."""

    text: str
    form: Form  # As printed
    is_whole: bool  # Whether the end was not cut off
    title: str = ""
    is_added: bool = False  # Whether it is of the corpus ``train_also``


def passages(text: str, config: PoemsConfig, title: str = "", is_added: bool = False) -> Iterator[Passage]:
    """The training sequences of a poem; it is cut into stanzas first, and ``forms`` chooses among these."""
    wanted = None if config.forms is None else {form_named(name) for name in config.forms}
    for passage in stanzas(text, config.stanzas) if config.stanzas else [text]:
        form = shape_of(passage)
        if wanted is None or form in wanted:
            whole = hanzi(passage) if config.punctuation == "drop" else passage
            text = whole[: config.max_length]
            yield Passage(text, form, text == whole, title, is_added)


@dataclass(frozen=True)
class Prepared:
    """A corpus ready for training."""

    vocabulary: Vocabulary
    splits: dict[Split, Sequences]
    card: Card


def prepare(
    source: Source, config: PoemsConfig, vocabulary: Vocabulary | None = None, added: Source | None = None
) -> Prepared:
    """Prepare a corpus under the :data:`OPTIONS` of ``config``, or open it in its cache if that was done before.

    ``vocabulary`` is that of an earlier model; by default it is built from the train split, without the poems of
    ``added``, which go there alone. An InputError if a corpus is faulty, a split would be empty, or the cache can't be
    written; then nothing is left in the cache.
    """
    cache, sources = Path(config.cache), [source, *([added] if added else [])]
    folder = cache / _key(sources, config, None)
    try:
        prepared = _open(folder)
        if vocabulary is not None and (prepared is None or prepared.vocabulary.symbols != vocabulary.symbols):
            folder = cache / _key(sources, config, vocabulary)
            prepared = _open(folder)
        if prepared is None:
            with sole_maker(folder):
                if _open(folder) is None:  # another process may have prepared it meanwhile
                    _create(folder, sources, config, vocabulary)
            prepared = _open(folder)
            assert prepared is not None
        return prepared
    except OSError as error:
        # On a full disk NumPy's error has no strerror, only the number of bytes written.
        reason = error.strerror or f"the disk may be full ({error})"
        raise InputError(f"data.cache={cache}: {reason}") from None


def already_prepared(
    source: Source, config: PoemsConfig, vocabulary: Vocabulary, added: Source | None = None
) -> Prepared | None:
    """What :func:`prepare` has made for ``vocabulary`` before; None if it has not, and then nothing is made."""
    sources = [source, *([added] if added else [])]
    folders = [Path(config.cache) / _key(sources, config, known) for known in (None, vocabulary)]
    found = (prepared for folder in folders if (prepared := _open(folder)))
    return next((prepared for prepared in found if prepared.vocabulary.symbols == vocabulary.symbols), None)


def _create(folder: Path, sources: list[Source], config: PoemsConfig, vocabulary: Vocabulary | None) -> None:
    """Write the prepared files to ``folder`` atomically, instead of damaged ones."""
    if folder.exists():
        log.info("corpus: %s is damaged and is prepared again", printable(folder))
        shutil.rmtree(folder)
    log.info("corpus: preparing, once for these options")
    staging = folder.with_suffix(".part")
    try:
        staging.mkdir(exist_ok=True)  # a process that was killed may have left it; this one holds the lock
        _write(staging, sources, config, vocabulary)
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _key(sources: list[Source], config: PoemsConfig, vocabulary: Vocabulary | None) -> str:
    """The name of a folder of prepared files: a hash of all that they depend on."""
    digest = hashlib.sha256(" ".join([str(VERSION), *(source.fingerprint for source in sources)]).encode())
    digest.update(json.dumps({name: getattr(config, name) for name in OPTIONS}).encode())
    digest.update(json.dumps(vocabulary.symbols if vocabulary else None).encode())
    return digest.hexdigest()[:16]


def _write(folder: Path, sources: list[Source], config: PoemsConfig, vocabulary: Vocabulary | None) -> None:
    reading, corpus = _read(sources[0])
    assignments = split_poems(corpus.poems)
    assigned = _with_passages(corpus.poems, assignments, config)
    if len(sources) > 1:
        also, others = _read(sources[1])
        others = addable(others, corpus.poems, assignments, config.shared_lines)
        in_train = [assignment._replace(split="train") for assignment in split_poems(others.poems)]
        assigned += _with_passages(others.poems, in_train, config, are_added=True)
        reading, corpus = reading.with_all_of(also), corpus.with_all_of(others)
    parts = _parts(assigned, config, corpus.poems)
    if vocabulary is None:
        vocabulary = Vocabulary.build((p.text for p in parts["train"] if not p.is_added), config.min_count)
    everything = list(chain(*parts.values()))
    save(folder, POEMS, ([BOS, *vocabulary.encode(p.text), *([EOS] if p.is_whole else [])] for p in everything))
    if config.titles:
        save(folder, TITLES, (vocabulary.encode(p.title) for p in everything))
    texts = {split: [passage.text for passage in parts[split]] for split in SPLITS}
    added = sum(passage.is_added for passage in everything)
    forms = Counter(passage.form for passage in everything)
    meta = {
        "vocabulary": vocabulary.symbols,
        "sizes": [len(parts[split]) for split in SPLITS],
        "card": asdict(Card.of(reading, corpus, texts, forms, vocabulary, added)),
    }
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    (folder / HASHES).write_bytes(_hashes(folder))


def _read(source: Source) -> tuple[Reading, CleanCorpus]:
    """The poems of a source, as read and as cleaned; an InputError if there are none."""
    reading = source.read()
    log.info("corpus: %s", printable(reading))
    corpus = clean_all([poem.text for poem in reading.poems], [poem.title for poem in reading.poems])
    if not corpus.poems:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in corpus.dropped.counts.items())
        raise InputError(f"{source}: no usable poems among {reading} ({reasons})")
    return reading, corpus


def _hashes(folder: Path) -> bytes:
    files = [*sorted(path.name for path in folder.glob("*.npy")), "meta.json"]
    return "".join(f"{pooch.file_hash(folder / name)}  {name}\n" for name in files).encode()


def _with_passages(
    poems: list[CleanPoem], assignments: list[Assignment], config: PoemsConfig, are_added: bool = False
) -> list[tuple[Assignment, list[Passage]]]:
    """The training sequences of each poem, with its split."""
    script = cast(Script, config.script)
    texts, titles = in_script(poems, script), titles_in_script(poems, script) if config.titles else repeat("")
    of_poems = ([*passages(text, config, title, are_added)] for text, title in zip(texts, titles, strict=False))
    return list(zip(assignments, of_poems, strict=True))


def _parts(
    assigned: list[tuple[Assignment, list[Passage]]], config: PoemsConfig, poems: list[CleanPoem]
) -> dict[Split, list[Passage]]:
    """The sequences of each split in the order of their poems' hashes, so that a prefix is a random subset."""
    parts: dict[Split, list[Passage]] = {split: [] for split in SPLITS}
    for assignment, of_poem in sorted(assigned, key=lambda entry: entry[0].rank):
        parts[assignment.split] += of_poem
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
    titles = load(folder, TITLES) if (folder / TITLES[0]).exists() else None
    everything = load(folder, POEMS, titles)
    sequences = [everything.part(first, last) for first, last in pairwise(np.cumsum([0, *meta["sizes"]]))]
    return Prepared(
        Vocabulary(meta["vocabulary"]), dict(zip(SPLITS, sequences, strict=True)), Card.stored(meta["card"])
    )
