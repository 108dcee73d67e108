"""Whatever lies in a corpus, it is prepared or refused in one line.

``FUZZ=100 python -m pytest tests/corpus/test_hostile_corpora.py`` tries a hundred times as many inputs.
"""

import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tang.config.data import PoemsConfig
from tang.corpus.clean import MAX_CHARACTERS, clean
from tang.corpus.names import LETTERS, NameSource, clean_names
from tang.corpus.sources import FileSource
from tang.data.card import NameCard
from tang.data.prepare import Prepared, prepare
from tang.data.split import SPLITS, split_names
from tang.errors import printable
from tang.text.forms import PUNCTUATION, hanzi
from tang.text.layout import LAYOUTS
from tang.text.reading import Reading
from tests.conftest import verses
from tests.corpus.attempts import attempt

pytestmark = pytest.mark.slow


def fuzz(examples: int) -> settings:
    many = examples * int(os.environ.get("FUZZ", "1"))
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    return settings(max_examples=many, deadline=None, suppress_health_check=checks, database=None)


def nested(value: object, depth: int) -> object:
    for _ in range(depth):
        value = [value]
    return value


SPECIAL = (
    "\0\x1b\x07\x7f\x85\r\n\t\v\f\x1c\u2028\u2029\ufeff\ufffe\u200b\u202a\u202e\u2066\u2069\ud800\udfff\U0010ffff\u0301"
    "（）()〖〗[]［］{}「」《》⿰□○〇\ue000，。？！；、：:,.一十1٣豈\U00020000\U0002f800'\"\\"
)
CHARACTERS = st.one_of(st.characters(), st.sampled_from(SPECIAL), st.sampled_from("日月山水风花后雲國乾坤"))
TEXTS = st.one_of(
    st.text(CHARACTERS, max_size=40),
    st.builds(lambda text, times: text * times, st.text(CHARACTERS, max_size=3), st.integers(0, 5000)),
    st.builds("床前明月光{}，疑是地上霜。{}".format, st.text(CHARACTERS, max_size=5), st.text(CHARACTERS)),
)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.just(10**4000), st.floats(), TEXTS)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(st.one_of(st.just("paragraphs"), TEXTS), inner, max_size=4),
        st.builds(nested, inner, st.integers(0, 60)),
    ),
    max_leaves=15,
)
POEMS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"paragraphs": st.lists(TEXTS, max_size=4)}), st.dictionaries(TEXTS, VALUES, max_size=2)
    ),
    max_size=6,
)
ENCODINGS = st.sampled_from(
    ["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "gb18030", "latin-1"]
)
NAMES_OF_FILES = st.text(CHARACTERS, min_size=1, max_size=20).map(
    lambda name: name.translate({ord("/"): None, 0: None}).encode("utf-8", "ignore").decode("utf-8")
)


@st.composite
def damaged(draw: st.DrawFn, contents: st.SearchStrategy[bytes]) -> bytes:
    """Content drawn from ``contents``, with up to three places cut out, doubled or overwritten."""
    content = draw(contents)
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 20)))
        middle = draw(st.one_of(st.just(b""), st.binary(max_size=8), st.just(content[start:end] * 2)))
        content = content[:start] + middle + content[end:]
    return content


def encoded(text: str, encoding: str, with_surrogates: bool) -> bytes:
    return text.encode(encoding, "surrogatepass" if with_surrogates and encoding.startswith("utf") else "replace")


@st.composite
def jsons(draw: st.DrawFn) -> bytes:
    value, indent = draw(st.one_of(POEMS, VALUES)), draw(st.sampled_from([None, 1]))
    text = json.dumps(value, ensure_ascii=draw(st.booleans()), indent=indent)
    if draw(st.integers(0, 9)) == 0:
        text = text.replace("1", "1" * 5000, 1)  # Python reads no number of so many digits
    return encoded(text, draw(ENCODINGS), draw(st.booleans()))


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    lines = draw(st.lists(TEXTS, max_size=6))
    end = draw(st.sampled_from(["\n", "\r\n", "\r", "\u2028", "\n\n", "\0"]))
    return encoded(end.join(lines), draw(ENCODINGS), draw(st.booleans()))


JSONS, TXTS = damaged(jsons()), damaged(texts())


@pytest.fixture(scope="module")
def folder() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@fuzz(300)
@given(JSONS)
def test_json_is_poems_or_refused(folder: Path, content: bytes) -> None:
    path = folder / "x.json"
    path.write_bytes(content)
    check_reading(attempt(FileSource(path).read))


@fuzz(300)
@given(TXTS)
def test_text_is_poems_or_refused(folder: Path, content: bytes) -> None:
    path = folder / "x.txt"
    path.write_bytes(content)
    for layout in (None, *LAYOUTS):
        check_reading(attempt(FileSource(path, layout).read))


def check_reading(reading: Reading | None) -> None:
    assert reading is None or all(isinstance(text, str) for poem in reading.poems for text in poem)
    assert reading is None or (reading.poems and printable(reading))


@fuzz(300)
@given(TEXTS)
def test_verse_is_characters_and_marks(raw: str) -> None:
    verse, reason, _ = clean(raw)
    assert (verse == "") == (reason is not None)
    assert set(verse) <= set(hanzi(verse)) | set(PUNCTUATION)
    verse.encode("utf-8")


@fuzz(200)
@given(st.lists(st.tuples(NAMES_OF_FILES, TXTS), max_size=4))
def test_names_are_letters_or_refused(files: list[tuple[str, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, content in files:
            (folder / f"{name}.txt").write_bytes(content)

        def read() -> NameCard:
            source = NameSource(folder, folder)
            assert source.fingerprint
            names = clean_names(source.read())
            assert all(name.text and set(name.text) <= set(LETTERS) for name in names.names)
            return NameCard(names, split_names(names.names))

        card = attempt(read)
        assert card is None or all(line.isprintable() for line in (card.text() + card.markdown()).splitlines())


CONFIGS = st.builds(
    PoemsConfig,
    script=st.sampled_from(["simplified", "traditional"]),
    punctuation=st.sampled_from(["keep", "drop"]),
    forms=st.sampled_from([None, ["五言绝句"], ["五言绝句", "七言律诗"], ["五绝\x1b\ud800"]]),
    max_length=st.sampled_from([None, 1, 24]),
    stanzas=st.sampled_from([None, 1, 4]),
    min_count=st.sampled_from([1, 2, 10**6]),
    max_train=st.sampled_from([None, 1]),
)
GOOD = verses(150)


@st.composite
def corpora(draw: st.DrawFn) -> dict[str, bytes]:
    """Files: 150 good poems somewhere among what is hostile."""
    lines = draw(st.lists(TEXTS, max_size=5))
    place = draw(st.integers(0, len(lines)))
    poems = [*lines[:place], *GOOD, *lines[place:]]
    if draw(st.booleans()):
        content = json.dumps([{"paragraphs": [poem]} for poem in poems]).encode()
        others = draw(st.lists(st.tuples(NAMES_OF_FILES, JSONS), max_size=2))
        return {"good.json": content} | {f"{name}.json": other for name, other in others}
    return {"x.txt": "\n".join(poems).encode("utf-8", "replace") + b"\n" + draw(TXTS)}


@fuzz(150)
@given(corpora(), CONFIGS)
def test_a_corpus_is_prepared_or_refused(files: dict[str, bytes], config: PoemsConfig) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        path = folder / "x.txt" if "x.txt" in files else folder
        prepared = attempt(lambda: prepare(FileSource(path), replace(config, cache=str(folder / "cache"))))
        if prepared is not None:
            check(prepared)
        assert not list((folder / "cache").glob("*.part"))


def check(prepared: Prepared) -> None:
    symbols = prepared.vocabulary.symbols[4:]
    assert all(hanzi(symbol) == symbol or symbol in PUNCTUATION for symbol in symbols)
    for split in SPLITS:
        sequences = prepared.splits[split]
        assert len(sequences) > 0
        assert 1 <= sequences.lengths.min() <= sequences.lengths.max() <= MAX_CHARACTERS + 1
        assert 0 < sequences[0].min() <= sequences[0].max() < len(prepared.vocabulary)
    assert all(line.isprintable() for line in (prepared.card.text() + prepared.card.markdown()).splitlines())
