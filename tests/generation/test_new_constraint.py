"""A constraint is added by one class in one list: the recipe of CONTRIBUTING."""

import importlib.util
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from tang import config
from tang.cli.arguments import arguments
from tang.data.vocabulary import SPECIALS
from tang.errors import InputError
from tang.generation.constraints import CONSTRAINTS
from tang.generation.generate import generate
from tang.generation.poem import Poem
from tang.generation.request import Request, request_class
from tang.tasks.language_model import LanguageModel
from tang.text.forms import PUNCTUATION
from tests.commands import ROOT, recipe
from tests.conftest import CHARACTERS

SYMBOLS = [*SPECIALS, *PUNCTUATION, *sorted(set(CHARACTERS))]


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The module of the constraint in CONTRIBUTING.md."""
    file = tmp_path_factory.mktemp("constraint") / "without.py"
    file.write_text(recipe("Without"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("without", file)
    assert spec
    assert spec.loader
    module = sys.modules["without"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _listed(without: Any) -> Iterator[None]:
    CONSTRAINTS.insert(0, without.Without)  # before rhyme, which counts the characters that are left
    config.register(sample=request_class())
    yield
    CONSTRAINTS.remove(without.Without)
    config.register(sample=request_class())


def poems(*keys: str) -> list[Poem]:
    """The poems that ``sample.py`` writes for these keys."""
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        cfg = compose("sample", overrides=arguments(["ckpt=unused", *keys], ("start",)))
    config.check(cfg)
    request = OmegaConf.to_object(cfg)
    assert isinstance(request, Request)
    torch.manual_seed(0)
    model = LanguageModel({"hidden_size": 16, "forget_bias": 1.0}, SYMBOLS, {}, form="五言绝句").eval()
    return generate(model, request, request.active_constraints())


@pytest.mark.parametrize("others", [[], ["no_repeat=true", "rhyme=true"], ["decode=beam", "n=8"]])
def test_a_poem_keeps_it(others: list[str]) -> None:
    free, bound = (poems("start=山", *keys, *others) for keys in ([], ["without=日月人天山"]))
    assert len(free) == len(bound)
    assert set("".join(poem.text for poem in free)) & set("日月人天")
    for poem in bound:
        assert poem.lines[0][0] == "山", "given characters stand"
        assert not set("".join(poem.lines)[1:]) & set("日月人天山")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["without=' '"], "without= is empty"),
        (["without=一二三四五六七八九十百"], "without=一二三四五六七八九十百: must be at most 10 characters"),
        (["without=东风", "rhyme=东"], "rhyme=东: 2 lines are to rhyme"),
        (
            [f"without={CHARACTERS[:10]}", "chars=100", "lines=20", "no_repeat=true"],
            "without=日月.* no_repeat=true: nothing is left",
        ),
    ],
)
def test_its_mistakes_are_told_like_those_of_others(keys: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        poems(*keys)


def test_its_default_does_nothing(without: Any) -> None:
    assert poems("start=山") == poems("start=山", "without=null")
    assert not without.Without().given_keys()
    assert str(without.Without("日")) == "without=日"
