"""The figures of docs/verse.md on the 全唐诗, which is fetched if it isn't there."""

import numpy as np
import pytest

from tang.config.data import PoemsConfig
from tang.data.poems import PoemDataModule
from tang.data.prepare import Prepared
from tang.errors import InputError
from tang.prosody.critique import critique
from tang.prosody.rhymes import readings
from tang.text.forms import FORMS, form_of, hanzi
from tests.commands import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    try:
        config = PoemsConfig(dir=str(ROOT / "data" / "tang"), cache=str(ROOT / "data" / "prepared"))
        return PoemDataModule(config).prepared
    except InputError as error:
        pytest.skip(f"offline: {error}")


def test_the_table_knows_nearly_every_character(prepared: Prepared) -> None:
    counts = np.bincount(prepared.splits["train"].tokens, minlength=len(prepared.vocabulary))
    characters = [(symbol, counts[id]) for symbol, id in prepared.vocabulary.ids.items() if hanzi(symbol)]
    known = sum(count for symbol, count in characters if readings(symbol, "simplified"))
    assert known > 0.999 * sum(count for _, count in characters)


@pytest.mark.parametrize(
    ("form", "regular"), [("五言律诗", 0.73), ("七言律诗", 0.79), ("五言绝句", 0.51), ("七言绝句", 0.79)]
)
def test_most_real_poems_are_regular(prepared: Prepared, form: str, regular: float) -> None:
    test = prepared.splits["test"]
    texts = [prepared.vocabulary.decode(test[index].tolist()) for index in range(len(test))]
    found = [
        critique(text, "simplified").is_regular for text in texts if form_of(text) == FORMS[form] and "□" not in text
    ]
    assert len(found) > 150
    assert np.mean(found) == pytest.approx(regular, abs=0.08)  # three standard deviations or more
