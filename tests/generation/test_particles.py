"""Gaps are filled as the model's own distribution says, given what stands around them."""

from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from tang.config.model import LanguageModelConfig
from tang.data.vocabulary import BOS, SPECIALS, Vocabulary
from tang.errors import InputError
from tang.generation.constraint import Constraint, DraftBatch, Tracker
from tang.generation.constraints import NoRepeat, Regulated
from tang.generation.particles import effective_number, fill, resampled
from tang.generation.slots import Layout
from tang.generation.words import Avoid
from tang.tasks.echo import Echo
from tang.tasks.network import Network
from tang.text.forms import Form, hanzi
from tests.generation.models import write

KNOWN = Vocabulary([*SPECIALS, "，", "。", *"春夏秋冬风雨"])
DRAWS = 600


class NoRain(Constraint):
    """Rejects 雨 after 风, once it is drawn."""

    def tracker(self, batch: DraftBatch) -> Tracker:
        return NoRainTracker(batch)


class NoRainTracker(Tracker):
    def rejects(self, slot: int, symbols: Tensor, rows: Tensor | None = None) -> Tensor:
        before = (self.known if rows is None else self.known[rows])[:, slot - 1]
        return (before == KNOWN.ids["风"]) & (symbols == KNOWN.ids["雨"])


def network() -> Network:
    torch.manual_seed(3)
    model = Network(
        len(KNOWN), LanguageModelConfig(hidden_size=8, echo_size=4), Echo(torch.tensor(KNOWN.begins_line), 4, 2, None)
    ).eval()
    torch.nn.init.normal_(model.head.weight, std=1.5)
    return model


def posterior(model: Network, poems: list[str], temperature: float) -> np.ndarray:
    ids = torch.tensor([[BOS, *KNOWN.encode(poem)] for poem in poems])
    with torch.no_grad():
        log_p = model(ids[:, :-1])[0].log_softmax(-1).gather(-1, ids[:, 1:, None]).sum((1, 2))
    found: np.ndarray = (log_p.double() / temperature).softmax(0).numpy()
    return found


@pytest.mark.parametrize(
    ("constraints", "temperature"),
    [([], 1.0), ([], 0.7), ([Avoid(["风雨"])], 1.0), ([NoRain()], 1.0)],
    ids=["free", "sharper", "forbidden", "rejected"],
)
def test_fillings_are_drawn_from_the_posterior(constraints: list[Constraint], temperature: float) -> None:
    """χ² over all fillings of two gaps of two and one characters, with characters between and behind."""
    model, layout = network(), Layout(Form(4, 2), KNOWN)
    given = torch.tensor(layout.prompt_ids("春□□夏，□秋冬秋。"))
    every = [f"春{a}{b}夏，{c}秋冬秋。" for a, b, c in product("春夏秋冬风雨", repeat=3)]
    if constraints:
        every = [poem for poem in every if "风雨" not in poem]
    expected = dict(zip(every, DRAWS * posterior(model, every, temperature), strict=True))
    counts = dict.fromkeys(every, 0)
    for seed in range(DRAWS):
        batch = DraftBatch(layout, given[None], "simplified", len(KNOWN), None, [])
        trackers = [tracker for constraint in constraints if (tracker := constraint.tracker(batch))]
        random = np.random.default_rng(seed)
        found = fill(model, layout.mask, given, 64, temperature, random, trackers)
        assert found.weights.sum() == pytest.approx(1, abs=1e-5)
        chosen = random.choice(
            len(found.weights), p=found.weights.double().numpy() / float(found.weights.double().sum())
        )
        counts[KNOWN.decode(found.decoded.ids[chosen].tolist())] += 1
    frequent = [poem for poem in every if expected[poem] >= 5]
    cells = [(counts[poem], expected[poem]) for poem in frequent]
    rare = sum(counts.values()) - sum(count for count, _ in cells), DRAWS - sum(value for _, value in cells)
    cells += [rare] if rare[1] >= 5 else []
    assert len(cells) > 1
    statistic, freedom = sum((count - value) ** 2 / value for count, value in cells), len(cells) - 1
    assert statistic < freedom + 4 * (2 * freedom) ** 0.5, "about one in ten thousand is above"


def test_what_follows_a_gap_changes_what_is_written_in_it() -> None:
    model, layout = network(), Layout(Form(4, 1), KNOWN)
    every = [f"春{a}{b}{c}。" for a, b, c in product("春夏秋冬风雨", repeat=3)]
    for last in "春夏秋冬风雨":
        ending = [poem for poem in every if poem[3] == last]
        given = torch.tensor(layout.prompt_ids(f"春□□{last}。"))
        found = fill(model, layout.mask, given, 400, 1.0, np.random.default_rng(1)).decoded
        best = ending[int(posterior(model, ending, 1.0).argmax())]
        assert KNOWN.decode(found.ids[0].tolist()) == best
        assert found.log_likelihood.diff().max() <= 0


def test_the_likeliest_poems_of_all_are_shown() -> None:
    model = network()
    every = [f"春{a}{b}夏，{c}秋冬秋。" for a, b, c in product("春夏秋冬风雨", repeat=3)]
    best = posterior(model, every, 1.0).argsort()[::-1][:5]
    found = write(model, KNOWN, None, poem=["春□□夏，□秋冬秋。"], n=5)
    assert [poem.text for poem in found] == [every[number] for number in best]


def test_poems_keep_what_is_given_and_what_is_asked_for() -> None:
    poem = "春□夏秋，冬风□□。"
    found = write(network(), KNOWN, None, Form(4, 2), [NoRepeat(True)], poem=[poem], n=2, particles=64)
    for one in found:
        assert [one.lines[0][0], one.lines[0][2:], one.lines[1][:2]] == ["春", "夏秋", "冬风"]
    assert len({one.text for one in found}) == 2
    again, *_ = write(network(), KNOWN, None, Form(4, 2), poem=["雨□夏秋，冬风□□。", poem], n=1, particles=64)[1:]
    alone, *_ = write(network(), KNOWN, None, Form(4, 2), poem=[poem], n=1, particles=64)
    assert again == alone, "whatever else is written"


@pytest.mark.parametrize("poem", ["春□夏秋，冬□□□。", "春_夏秋，冬＿＿＿。", "春?夏秋，冬？？？。", "春囗夏秋,冬□□□."])
def test_gaps_are_given_by_several_signs_and_the_form_by_the_text(poem: str) -> None:
    (found,) = write(network(), KNOWN, None, None, poem=[poem], particles=16)
    assert found.form == "4×2"
    assert (found.lines[0][0], found.lines[0][2:], found.lines[1][0]) == ("春", "夏秋", "冬")
    assert len(hanzi(found.text)) == 8


def test_old_variants_that_are_given_stand() -> None:
    (found,) = write(network(), KNOWN, None, poem=["劒□夏秋，冬□□□。"], particles=16)
    assert found.lines[0][0] == "劒"


def test_a_gap_that_nothing_fills_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"poem=春夏秋冬，风雨□□。 no_repeat=true: nothing is left for line 2, character 4 in 10 tries"
    ):
        write(network(), KNOWN, None, Form(4, 2), [NoRepeat(True)], poem=["春夏秋冬，风雨□□。"])
    with pytest.raises(InputError, match=r"rhyme=true: 雨 is given for line 4"):
        write(network(), KNOWN, None, Form(2, 4), [Regulated(rhyme="true")], poem=["春□，夏□。秋冬，风雨。"])
    with pytest.raises(
        InputError, match=r"no more than 6 poems are found by particles=32 and beam_size=192; ask for n=6"
    ):
        write(network(), KNOWN, None, Form(4, 1), poem=["春夏秋□。"], n=7, temperature=5.0)


def test_rows_are_drawn_by_their_weights() -> None:
    log_weights = torch.tensor([0.5, 0.0, 0.25, 0.25]).log()
    assert resampled(log_weights, 8, np.random.default_rng(1)).tolist() == [0, 0, 0, 0, 2, 2, 3, 3]
    counts = torch.ones(4, dtype=torch.long)
    assert effective_number(log_weights, counts) == pytest.approx(1 / (0.25 + 2 / 16))
    assert effective_number(torch.tensor([0.75, 0.25]).log(), torch.tensor([3, 1])) == pytest.approx(4)
