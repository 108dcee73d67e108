"""The model that comes with the project is what its card says."""

import json
from collections.abc import Sequence

import numpy as np
import pytest

from tang import checkpoint
from tang.data.batches import PoemLoader
from tang.data.sequences import Sequences
from tang.errors import InputError
from tang.evaluation.losses import token_losses
from tang.generation.generate import generate
from tang.generation.request import Request
from tang.prosody.critique import critique
from tang.runs.find import SHIPPED_MODEL
from tang.tasks.poem_model import PoemModel
from tests.commands import ROOT, Script

CARD = json.loads(SHIPPED_MODEL.with_name("card.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def model() -> PoemModel:
    return checkpoint.load(SHIPPED_MODEL, PoemModel)


def some(sequences: Sequences, indices: Sequence[int]) -> Sequences:
    rows = [sequences[index] for index in indices]
    return Sequences(np.concatenate(rows), np.cumsum([0, *map(len, rows)]))


@pytest.mark.slow
def test_it_has_the_perplexity_of_its_card(model: PoemModel) -> None:
    try:
        val = model.data_module(dir=str(ROOT / "data/tang"), cache=str(ROOT / "data/prepared")).prepared.splits["val"]
    except InputError as error:
        pytest.skip(f"offline: {error}")
    every = CARD["sample"]["every"]
    losses = token_losses(model, PoemLoader(some(val, range(0, len(val), every)), 64))
    assert len(losses.nll) == CARD["sample"]["tokens"]
    assert losses.nll.mean().exp().item() == pytest.approx(CARD["sample"]["ppl"], rel=1e-4)
    assert CARD["sample"]["ppl"] == pytest.approx(CARD["ppl"], rel=0.1), "a sample of the whole"
    page = SHIPPED_MODEL.with_name("README.md").read_text(encoding="utf-8")
    assert f"{CARD['ppl']:.2f}" in page


def test_it_rhymes_by_itself(model: PoemModel) -> None:
    poems = generate(model, Request(start=["春"], n=40, form="七言绝句", temperature=1.0, seed=1))
    found = [critique(poem.text) for poem in poems]
    assert sum(bool(poem.rhyme) and not poem.off_rhyme for poem in found) >= 20, "chance is 1 in 30"


@pytest.mark.slow
def test_it_is_the_default(script: Script) -> None:
    written = script("sample", "start=春", "form=五言绝句", "seed=1", "n=1")
    assert written.returncode == 0, written.stderr
    assert written.stdout.startswith("春")
