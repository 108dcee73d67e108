"""Couplets: a given line is answered by one that is parallel to it."""

from itertools import product

import numpy as np
import pytest
import torch

from tang.config.model import LanguageModelConfig
from tang.data.vocabulary import SPECIALS, Vocabulary
from tang.generation.constraint import DraftBatch
from tang.generation.constraints import Parallel
from tang.generation.parallel import WEIGHT, ParallelTracker
from tang.generation.poem import Poem
from tang.generation.slots import Layout
from tang.prosody.parallelism import cosines, tone_numbers, toneless
from tang.prosody.rhymes import tones
from tang.tasks.network import Network
from tang.text.forms import Form
from tests.generation.models import write

LEVEL, OBLIQUE, EITHER = "山天云风江", "月日水雨海", "看"
KNOWN = Vocabulary([*SPECIALS, "，", "。", *LEVEL, *OBLIQUE, EITHER])


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(3)
    return Network(len(KNOWN), LanguageModelConfig(hidden_size=8)).eval()


def answers(network: Network, line: str, n: int) -> list[Poem]:
    return write(network, KNOWN, None, None, [Parallel()], couplet=[line], n=n)


def test_tones_are_opposed_and_no_character_is_shared(network: Network) -> None:
    line = "山月看山水"
    found = answers(network, line, n=8)
    assert [len(poem.lines) for poem in found] == [2] * 8
    assert len({poem.text for poem in found}) == 8
    for poem in found:
        assert (poem.form, poem.lines[0]) == ("5×2", line)
        for above, below in zip(*poem.lines, strict=True):
            assert len(tones(above, "simplified")) == 2 or tones(below, "simplified") - tones(above, "simplified")
        assert not set(line) & set(poem.lines[1])


def test_characters_repeat_where_those_above_do(network: Network) -> None:
    found = answers(network, "山月看山月", n=4)
    for poem in found:
        assert poem.lines[1][:2] == poem.lines[1][3:]
        assert len(set(poem.lines[1])) == 3


def test_the_best_are_likely_and_parallel(network: Network) -> None:
    """Of all answers that there are, by ln p and the cosines."""
    every = answers(network, "山月看山月", n=96)
    possible = {f"{a}{b}{c}{a}{b}" for a, b, c in product("日水雨海", "天云风江", "日水雨海天云风江") if c not in a + b}
    assert {poem.lines[1] for poem in every} == possible
    merits = [poem.log_likelihood + WEIGHT * 5 * (poem.parallelism or 0.0) for poem in every]
    assert merits == sorted(merits, reverse=True)
    assert answers(network, "山月看山月", n=2) == every[:2]


def test_parallelism_is_the_mean_cosine(network: Network) -> None:
    layout = Layout(Form(5, 2), KNOWN)
    given = torch.tensor([layout.prompt_ids("山月看山月，日天水日天。")])
    embedding = network.embedding.weight.detach()
    tracker = ParallelTracker(DraftBatch(layout, given, "simplified", len(KNOWN), None, [], embedding))
    vectors = toneless(embedding.numpy(), 1 / np.arange(1, len(KNOWN) + 1), tone_numbers(KNOWN.symbols, "simplified"))
    faced, facing = (vectors[KNOWN.encode(line)] for line in ("山月看山月", "日天水日天"))
    assert tracker.report(0)["parallelism"] == pytest.approx(cosines(faced, facing).mean(), rel=1e-5)
