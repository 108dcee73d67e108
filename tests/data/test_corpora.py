"""A corpus is one entry of the registry, and one file of the config."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tang.config.data import PoemsConfig
from tang.corpus.collections import CORPORA, Collection
from tang.data.poems import PoemDataModule
from tang.data.split import SPLITS
from tang.errors import InputError
from tests.commands import ROOT
from tests.conftest import verses
from tests.test_config import composed

POEMS = verses(400)


@pytest.fixture
def song(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the four files of a corpus that is registered as ``song``."""
    folder = tmp_path / "宋诗"
    folder.mkdir()
    hashes = {}
    for number in range(4):
        content = json.dumps([{"paragraphs": [poem]} for poem in POEMS[number::4]]).encode()
        (folder / f"poet.song.{number}.json").write_bytes(content)
        hashes[f"poet.song.{number}.json"] = "sha256:" + hashlib.sha256(content).hexdigest()
    collection = Collection("the Song corpus", "somebody/poems", "0123abc", "宋诗", hashes)
    monkeypatch.setitem(CORPORA, "song", collection)
    return folder


def test_a_registered_corpus_is_read_by_its_name(song: Path, tmp_path: Path) -> None:
    data = PoemDataModule(PoemsConfig(source="song", dir=str(song), cache=str(tmp_path / "cache"), min_count=1))
    texts = [
        data.prepared.vocabulary.decode(data.prepared.splits[split][index].tolist())
        for split in SPLITS
        for index in range(data.card.pieces[split])
    ]
    assert sorted(texts) == sorted(POEMS)
    assert data.source.fingerprint == CORPORA["song"].fingerprint != CORPORA["tang"].fingerprint


def test_an_altered_file_of_it_is_refused(song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tang.corpus.fetch.GITHUB", "http://127.0.0.1:9")  # nothing listens there
    (song / "poet.song.2.json").write_bytes(b"[]")
    data = PoemDataModule(PoemsConfig(source="song", dir=str(song), cache=str(tmp_path / "cache")))
    with pytest.raises(InputError, match=r"the Song corpus can't be fetched, and 1 of 4 files .* poet\.song\.2\.json"):
        data.prepare_data()


def test_a_corpus_is_not_added_to_itself(song: Path) -> None:
    with pytest.raises(InputError, match=r"data\.train_also=song: this is the corpus itself"):
        PoemDataModule(PoemsConfig(source="song", dir=str(song), train_also="song"))


def test_a_registered_corpus_is_added_by_its_name(song: Path, poems_txt: Path, tmp_path: Path) -> None:
    own = PoemsConfig(source="text", path=str(poems_txt), cache=str(tmp_path / "cache"), min_count=1)
    (poems_txt).write_text("\n".join(verses(600)[400:]), encoding="utf-8")
    data = PoemDataModule(replace(own, train_also="song", dir=str(song)))
    assert data.card.added > 300
    assert data.card.sizes["test"] == PoemDataModule(own).card.sizes["test"]


def test_every_registered_corpus_has_a_config_of_its_name() -> None:
    for name in CORPORA:
        assert composed(f"data={name}").data.source == name
        assert (ROOT / "src" / "tang" / "corpus" / f"{name}.sha256").exists()
