from itertools import product

import pytest
import torch

from tang.config.model import LanguageModelConfig
from tang.data.vocabulary import BOS, SPECIALS, Vocabulary
from tang.generation.beam import search
from tang.generation.constraints import Acrostic, NoRepeat
from tang.generation.slots import Layout
from tang.generation.words import Contains
from tang.tasks.echo import Echo
from tang.tasks.network import Network
from tang.text.forms import Form
from tests.generation.models import write

KNOWN = Vocabulary([*SPECIALS, "，", "。", *"春夏秋冬风"])


def network(echo_size: int = 0) -> Network:
    torch.manual_seed(3)
    echo = Echo(torch.tensor(KNOWN.begins_line), echo_size, 2, None) if echo_size else None
    model = Network(len(KNOWN), LanguageModelConfig(hidden_size=8), echo).eval()
    torch.nn.init.normal_(model.head.weight)
    return model


def log_likelihood(model: Network, text: str) -> float:
    ids = torch.tensor([[BOS, *KNOWN.encode(text)]])
    with torch.no_grad():
        return float(model(ids[:, :-1])[0].log_softmax(-1).gather(-1, ids[:, 1:, None]).sum())


@pytest.mark.parametrize("echo_size", [0, 4])
def test_a_beam_as_wide_as_all_prefixes_finds_the_likeliest_poems(echo_size: int) -> None:
    model, layout = network(echo_size), Layout(Form(2, 2), KNOWN)
    every = ["".join(c[:2]) + "，" + "".join(c[2:]) + "。" for c in product("春夏秋冬风", repeat=4)]
    best = sorted(every, key=lambda text: -log_likelihood(model, text))[:3]
    found = search(model, layout.mask, torch.full((6,), -1), 625)
    assert [KNOWN.decode(ids) for ids in found.ids[:3].tolist()] == best
    assert found.log_likelihood[:3].tolist() == pytest.approx([log_likelihood(model, text) for text in best], rel=1e-5)
    assert (found.dead_end == -1).all()


@pytest.mark.parametrize("echo_size", [0, 4])
def test_a_beam_of_one_is_greedy(echo_size: int) -> None:
    model = network(echo_size)
    greedy, beam = (
        write(model, KNOWN, ["春", "风"], Form(3, 4), **keys)
        for keys in ({"temperature": 0.0}, {"decode": "beam", "beam_size": 1})
    )
    assert [poem.text for poem in greedy] == [poem.text for poem in beam]


def test_a_beam_has_no_more_poems_than_there_are() -> None:
    layout = Layout(Form(1, 1), KNOWN)
    found = search(network(), layout.mask[:1], torch.full((1,), -1), 8)
    assert (found.dead_end == -1).tolist() == [True] * 5


def test_a_beam_keeps_what_is_asked_for() -> None:
    constraints = [Acrostic(["夏秋"]), NoRepeat(True), Contains(["风"])]
    poems = write(network(), KNOWN, [""], Form(2, 2), constraints, n=2, decode="beam", beam_size=6)
    assert len({poem.text for poem in poems}) == 2
    for poem in poems:
        assert [line[0] for line in poem.lines] == ["夏", "秋"]
        assert len(set("".join(poem.lines))) == 4
        assert not poem.missing
