"""The text, and the runs on which its formulas are evaluated."""

import random
import re

import pytest

from tests.commands import ROOT
from tests.derivation.nets import ELMAN, LSTM, H, Run, draw_sequence, draw_weights, leaf, run_elman, run_lstm, uniform

TEXT = (ROOT / "docs" / "derivation.md").read_text(encoding="utf-8")


@pytest.fixture
def lstm() -> Run:
    rng = random.Random(0)
    return run_lstm(draw_weights(rng, LSTM), *draw_sequence(rng), uniform(rng, H), uniform(rng, H))


@pytest.fixture
def elman() -> Run:
    rng = random.Random(0)
    return run_elman(draw_weights(rng, ELMAN), *draw_sequence(rng), uniform(rng, H))


@pytest.fixture
def step(lstm: Run) -> Run:
    """Step 3 of the LSTM by itself, as step 1: what came before is constant, so derivatives are direct ones."""
    return run_lstm(lstm.weights, {1: lstm.x[3]}, {1: lstm.y[3]}, leaf(lstm.h[2]), leaf(lstm.c[2]))


@pytest.fixture
def beside(request: pytest.FixtureRequest) -> str:
    """The paragraphs, items and table rows of the text that link to the running test: its figures stand there."""
    name = f"[✓][{request.node.originalname}]"
    return "\n".join(passage for passage in re.split(r"\n\n|\n(?=[|-] ?)", TEXT) if name in passage)
