import json
from pathlib import Path

import pytest
import torch

from tang.corpus.names import LETTERS
from tang.errors import InputError
from tang.evaluation.predict_names import Prediction, as_json, as_text, predict, refuse_unread
from tang.tasks.classifier import Classifier
from tests.commands import Script
from tests.hostile.makers import classifier, content_of


@pytest.fixture
def model() -> Classifier:
    torch.manual_seed(0)
    return Classifier({"hidden_size": 6}, ["Czech", "Dutch", "Irish"], LETTERS, {}).eval()


def only(model: Classifier, name: str, top: int) -> dict[str, float]:
    ((_, languages),), _ = predict(model, [name], top)
    return languages


def test_the_likeliest_come_first_and_all_sum_to_one(model: Classifier) -> None:
    (first, second), _ = predict(model, ["Novák", "O'Neal"], top=9)
    assert first.name == "Novák"
    assert set(first.languages) == {"Czech", "Dutch", "Irish"}
    assert list(first.languages.values()) == sorted(first.languages.values(), reverse=True)
    assert sum(first.languages.values()) == pytest.approx(1)
    assert list(first.languages) == list(only(model, "Novak", 3)), "accents come off"
    assert len(only(model, "Novak", 2)) == 2
    assert only(model, "O'Neal", 3) == pytest.approx(second.languages), "names don't mix"


def test_they_read_as_text_and_as_json() -> None:
    predictions = [Prediction("李", {"Chinese": 0.75, "Korean": 0.25}), Prediction("Novak", {"Czech": 1.0})]
    assert as_text(predictions) == "李     Chinese 75.0%  Korean 25.0%\nNovak  Czech 100.0%"
    assert json.loads(as_json(predictions))[1]["name"] == "Novak"


def test_no_name_is_refused(model: Classifier) -> None:
    with pytest.raises(InputError, match="name: give one, name=Satoshi"):
        predict(model, [], top=1)


@pytest.mark.parametrize("name", ["李", "", "-", "., ;"])
def test_a_name_without_letters_leaves_the_others(model: Classifier, name: str) -> None:
    predictions, unread = predict(model, ["Li", name, "Novak"], top=1)
    assert [prediction.name for prediction in predictions] == ["Li", "Novak"]
    assert unread == [name]
    with pytest.raises(InputError, match=f"^name={name}: has no Latin letter$"):
        refuse_unread(model, unread)
    assert predict(model, [name], top=1) == ([], [name])


def test_all_names_that_are_unread_are_refused_in_one_line(model: Classifier) -> None:
    refuse_unread(model, [])
    with pytest.raises(InputError, match=r"^name=李,王: have no Latin letter$"):
        refuse_unread(model, ["李", "王"])
    own = Classifier({"hidden_size": 6}, ["汉", "日"], "李明", {})
    assert predict(own, ["王"], top=1) == ([], ["王"])
    with pytest.raises(InputError, match=r"^name=王: has no letter that the model knows$"):
        refuse_unread(own, ["王"])


@pytest.mark.slow
def test_the_names_that_can_be_read_are_predicted_before_the_script_fails(script: Script, tmp_path: Path) -> None:
    torch.save(content_of(classifier()), tmp_path / "names.ckpt")
    result = script("predict", "ckpt=names.ckpt", "name=Li,李", "top=1")
    assert result.stdout.startswith("Li  ")
    assert result.stdout.count("\n") == 1
    assert (result.stderr, result.returncode) == ("error: name=李: has no Latin letter\n", 1)
