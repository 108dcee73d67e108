import json

import pytest
import torch

from tang.corpus.names import LETTERS
from tang.errors import InputError
from tang.evaluation.predict_names import as_json, as_text, predict
from tang.tasks.classifier import Classifier


@pytest.fixture
def model() -> Classifier:
    torch.manual_seed(0)
    return Classifier({"hidden_size": 6}, ["Czech", "Dutch", "Irish"], LETTERS, {}).eval()


def test_the_likeliest_come_first_and_all_sum_to_one(model: Classifier) -> None:
    first, second = predict(model, ["Novák", "O'Neal"], top=9)
    assert first.name == "Novák"
    assert set(first.languages) == {"Czech", "Dutch", "Irish"}
    assert list(first.languages.values()) == sorted(first.languages.values(), reverse=True)
    assert sum(first.languages.values()) == pytest.approx(1)
    assert list(first.languages) == list(predict(model, ["Novak"], top=3)[0].languages), "accents come off"
    assert len(predict(model, ["Novak"], top=2)[0].languages) == 2
    assert predict(model, ["O'Neal"], top=3)[0].languages == pytest.approx(second.languages), "names don't mix"


def test_they_read_as_text_and_as_json(model: Classifier) -> None:
    predictions = predict(model, ["Li", "Novak"], top=1)
    (language,) = predictions[0].languages
    assert as_text(predictions).splitlines()[0].startswith(f"Li     {language} ")
    assert json.loads(as_json(predictions))[1]["name"] == "Novak"


def test_no_name_is_refused(model: Classifier) -> None:
    with pytest.raises(InputError, match="name: give one, name=Satoshi"):
        predict(model, [], top=1)


@pytest.mark.parametrize("name", ["李", "", "-", "., ;"])
def test_a_name_without_letters_is_refused(model: Classifier, name: str) -> None:
    with pytest.raises(InputError, match=f"name={name}: has no Latin letter"):
        predict(model, ["Li", name], top=1)
