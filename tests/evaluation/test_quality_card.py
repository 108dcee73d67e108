import json
from dataclasses import asdict

import pytest

from tang.evaluation.measures import Measurement
from tang.evaluation.quality_card import REQUESTS, QualityCard, measure_quality
from tang.generation.request import Request
from tang.tasks.language_model import LanguageModel
from tang.text.forms import FORMS

FIVE, EIGHT = FORMS["五言绝句"], FORMS["五言律诗"]


@pytest.fixture
def card(model: LanguageModel) -> QualityCard:
    return measure_quality(model, model.data_module(), "test", Request(n=12, temperature=1.0), [FIVE, EIGHT])


def test_a_form_has_all_sets(card: QualityCard) -> None:
    assert list(card.forms) == [str(FIVE), str(EIGHT)]
    sets = card.forms[str(FIVE)]
    assert list(sets) == ["real", "chance", *REQUESTS]
    real = sets["real"]["form"].count
    assert 0 < real < 12
    assert sets["chance"]["form"].count == real
    assert all(sets[name]["form"] == Measurement(1.0, 12) for name in REQUESTS)
    assert {figures["distinct-1"].count for figures in sets.values()} == {20 * real}, "of equally many characters"


def test_an_impossible_request_is_left_out_and_logged(card: QualityCard, caplog: pytest.LogCaptureFixture) -> None:
    """The text corpus has too few characters for four lines to rhyme."""
    assert list(card.forms[str(EIGHT)]) == ["real", "chance", *(name for name in REQUESTS if "rhyme" not in name)]
    logged = [record.getMessage() for record in caplog.get_records("setup")]
    assert any(message.startswith("五言律诗, rhyme: left out, rhyme=true") for message in logged)


def test_each_constraint_does_what_it_says(card: QualityCard) -> None:
    sets = card.forms[str(FIVE)]
    assert all(sets[name]["rhyme"].value == 1 for name in sets if name.startswith("rhyme"))
    assert sets["rhyme, loose tones"]["tones, poems"].value == 1
    assert sets["rhyme, strict tones"]["regular"].value == 1
    assert sets["free"]["regular"].value == 0
    assert sets["no_repeat"]["repetition"].value == 0
    assert sets["no_copy"]["lines found"].value == 0


def test_the_cost_is_the_likelihood_less_that_of_free_sampling(card: QualityCard) -> None:
    sets = card.forms[str(FIVE)]
    free, strict = (sets[name]["ln p, model"].value for name in ("free", "rhyme, strict tones"))
    assert free is not None
    assert strict is not None
    assert sets["rhyme, strict tones"]["ln p, model, less free"].value == pytest.approx(strict - free)
    assert sets["free"]["ln p, model, less free"].value == 0
    assert "ln p, model, less free" not in sets["real"]


def test_it_reads_as_tables_and_as_json(card: QualityCard) -> None:
    text = card.text()
    assert text.count("| poems ") == 2
    assert "100.0 %" in text
    assert "parallelism" in text.split(str(EIGHT))[1]
    assert "parallelism" not in text.split(str(EIGHT))[0], "quatrains have none"
    plain = json.loads(json.dumps(asdict(card)))
    figure = card.forms[str(EIGHT)]["real"]["ln p, trigram"]
    assert plain["forms"][str(EIGHT)]["real"]["ln p, trigram"] == {"value": figure.value, "count": figure.count}
