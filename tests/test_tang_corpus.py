"""The documentation's figures on the real corpus, which is fetched if it isn't there."""

from collections import Counter
from pathlib import Path

import pytest

from tang.config.data import PoemsConfig
from tang.data.poems import PoemDataModule
from tang.data.split import SPLITS
from tang.errors import InputError
from tests.commands import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def whole() -> PoemDataModule:
    try:
        data = PoemDataModule(PoemsConfig(dir=str(ROOT / "data" / "tang"), cache=str(ROOT / "data" / "prepared")))
        assert data.prepared
        return data
    except InputError as error:
        pytest.skip(f"offline: {error}")


def test_the_card_is_the_documented_one(whole: PoemDataModule) -> None:
    card = whole.prepared.card
    assert card.read == 57_603
    assert card.dropped.counts == {
        "missing characters": 583,
        "a line one character short": 36,
        "fewer than 5 characters": 281,
        "duplicate": 938,
    }
    assert card.poems == sum(card.pieces.values()) == 55_765
    assert (sum(card.characters.values()), card.distinct) == (3_313_699, 8_687)
    assert card.shapes["五言律诗"] == 14_970
    page = (Path(ROOT) / "docs" / "corpus.md").read_text(encoding="utf-8")
    assert all(
        f"{number:,}" in page for number in (*card.dropped.counts.values(), card.poems, card.read, card.distinct)
    )


def test_the_split_is_90_5_5(whole: PoemDataModule) -> None:
    shares = {split: whole.prepared.card.pieces[split] / whole.prepared.card.poems for split in SPLITS}
    assert shares == pytest.approx({"train": 0.90, "val": 0.05, "test": 0.05}, abs=0.01)


def test_no_couplet_stands_in_two_splits(whole: PoemDataModule) -> None:
    seen: Counter[str] = Counter()
    for split in SPLITS:
        sequences = whole.prepared.splits[split]
        texts = [whole.prepared.vocabulary.decode(sequences[i].tolist()) for i in range(len(sequences))]
        sentences = {sentence for text in texts for sentence in text.split("。") if len(sentence) >= 11}
        seen.update(sentence for sentence in sentences if "□" not in sentence)
    assert max(seen.values()) == 1


def test_less_than_two_percent_of_the_corpus_is_padding(whole: PoemDataModule) -> None:
    loader = whole.loader("train")
    positions = sum(batch.targets.numel() for batch in loader)
    assert positions <= loader.sequences.lengths.sum() / 0.98
