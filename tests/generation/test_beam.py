from itertools import product

import pytest
import torch

from tang.config.model import LanguageModelConfig
from tang.data.vocabulary import BOS, SPECIALS, Vocabulary
from tang.generation.beam import search
from tang.generation.constraints import Acrostic, NoRepeat
from tang.generation.slots import Layout
from tang.generation.words import Contains
from tang.tasks.network import Network
from tang.text.forms import Form
from tests.generation.models import write

KNOWN = Vocabulary([*SPECIALS, "，", "。", *"春夏秋冬风"])


def network() -> Network:
    torch.manual_seed(3)
    model = Network(len(KNOWN), LanguageModelConfig(hidden_size=8)).eval()
    torch.nn.init.normal_(model.head.weight)
    return model


def log_likelihood(model: Network, text: str) -> float:
    ids = torch.tensor([[BOS, *KNOWN.encode(text)]])
    with torch.no_grad():
        return float(model(ids[:, :-1])[0].log_softmax(-1).gather(-1, ids[:, 1:, None]).sum())


def test_a_beam_as_wide_as_all_prefixes_finds_the_likeliest_poems() -> None:
    model, layout = network(), Layout(Form(2, 2), KNOWN)
    every = ["".join(c[:2]) + "，" + "".join(c[2:]) + "。" for c in product("春夏秋冬风", repeat=4)]
    best = sorted(every, key=lambda text: -log_likelihood(model, text))[:3]
    found = search(model, layout.mask, torch.full((2, 6), -1), 625)
    assert [KNOWN.decode(ids) for ids in found.ids[:3].tolist()] == best
    assert [KNOWN.decode(ids) for ids in found.ids[625:628].tolist()] == best
    assert found.log_likelihood[:3].tolist() == pytest.approx([log_likelihood(model, text) for text in best], rel=1e-5)
    assert (found.dead_end == -1).all()


def test_a_beam_of_one_is_greedy() -> None:
    model = network()
    greedy, beam = (
        write(model, KNOWN, ["春", "风"], Form(3, 4), **keys)
        for keys in ({"temperature": 0.0}, {"decode": "beam", "beam_size": 1})
    )
    assert [poem.text for poem in greedy] == [poem.text for poem in beam]


def test_prefixes_that_the_form_does_not_have_are_dead_ends() -> None:
    layout = Layout(Form(1, 1), KNOWN)
    found = search(network(), layout.mask[:1], torch.full((1, 1), -1), 8)
    assert (found.dead_end < 0).sum() == 5


def test_a_beam_keeps_what_is_asked_for() -> None:
    constraints = [Acrostic(["夏秋"]), NoRepeat(True), Contains(["风"])]
    poems = write(network(), KNOWN, [""], Form(2, 2), constraints, n=2, decode="beam", beam_size=6)
    assert len({poem.text for poem in poems}) == 2
    for poem in poems:
        assert [line[0] for line in poem.lines] == ["夏", "秋"]
        assert len(set("".join(poem.lines))) == 4
        assert not poem.missing
