from typing import Any

import pytest
import torch
from torch import Tensor

from tang.config.model import LanguageModelConfig
from tang.data.vocabulary import BOS, EOS, SPECIALS, Vocabulary
from tang.errors import InputError
from tang.generation.generate import generate
from tang.generation.request import Request
from tang.generation.sampling import SamplingOptions, decode, sample_index
from tang.generation.slots import Layout
from tang.tasks.network import Network
from tang.text.forms import FORMS, PUNCTUATION, Form, form_of, hanzi
from tests.conftest import CHARACTERS
from tests.generation.models import language_model, write

MARKED = Vocabulary([*SPECIALS, *PUNCTUATION, *sorted(set(CHARACTERS))])
UNMARKED = Vocabulary([*SPECIALS, *sorted(set(CHARACTERS))])


def network(vocabulary: Vocabulary) -> Network:
    torch.manual_seed(0)
    return Network(len(vocabulary), LanguageModelConfig(hidden_size=8)).eval()


def frequencies(p: list[float], options: SamplingOptions) -> Tensor:
    """(V,) how often each symbol is drawn in 100,000 draws from a model that gives them ``p``."""
    model = Network(len(p), LanguageModelConfig(hidden_size=1, tie_weights=False)).eval()
    torch.nn.init.zeros_(model.head.weight)
    model.head.bias.data = torch.tensor(p).log()
    uniforms = torch.rand(100_000, 1, 2, generator=torch.Generator().manual_seed(0))
    nothing_given = torch.full((100_000, 1), -1)
    drawn = decode(model, torch.ones(1, len(p), dtype=torch.bool), nothing_given, options, uniforms)
    torch.testing.assert_close(drawn.log_likelihood.exp(), torch.tensor(p)[drawn.ids[:, 0]])
    return drawn.ids.flatten().bincount(minlength=len(p)) / 100_000


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (SamplingOptions(1), [0.1, 0.4, 0.0, 0.2, 0.25, 0.05]),
        (SamplingOptions(temperature=0), [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
        (SamplingOptions(temperature=0.5), [0.01, 0.16, 0.0, 0.04, 0.0625, 0.0025]),
        (SamplingOptions(1, top_k=2), [0.0, 0.4, 0.0, 0.0, 0.25, 0.0]),
        (SamplingOptions(1, top_k=99), [0.1, 0.4, 0.0, 0.2, 0.25, 0.05]),
        (SamplingOptions(1, top_p=0.39), [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
        (SamplingOptions(1, top_p=0.66), [0.0, 0.4, 0.0, 0.2, 0.25, 0.0]),
        (SamplingOptions(temperature=0.5, top_k=3, top_p=0.7), [0.0, 0.16, 0.0, 0.0, 0.0625, 0.0]),
    ],
)
def test_symbols_are_drawn_as_often_as_the_options_say(options: SamplingOptions, expected: list[float]) -> None:
    drawn = frequencies([0.1, 0.4, 0.0, 0.2, 0.25, 0.05], options)
    wanted = torch.tensor(expected) / sum(expected)
    assert (drawn[wanted == 0] == 0).all()
    torch.testing.assert_close(drawn, wanted, atol=0.006, rtol=0)  # four standard deviations


@pytest.mark.parametrize("size", [4, 5, 10, 16, 91])
def test_every_symbol_of_a_vocabulary_is_drawn_with_its_probability(size: int) -> None:
    p = torch.rand(size, generator=torch.Generator().manual_seed(size)).mul(4).softmax(-1)
    drawn = frequencies(p.tolist(), SamplingOptions(1))
    chi_square = (100_000 * (drawn - p).square() / p).sum().item()
    assert chi_square < size + 5 * (2 * size) ** 0.5  # of size − 1 degrees of freedom, five standard deviations


def test_numbers_at_the_ends_of_their_range_draw_no_impossible_symbol() -> None:
    p = torch.zeros(4, 91)
    p[:, [30, 55]] = torch.tensor([0.3, 0.7])
    last = 1 - 2**-24
    drawn = sample_index(p, torch.tensor([[0.0, 0.0], [last, last], [0.0, last], [last, 0.0]]))
    assert drawn.tolist() == [30, 55, 30, 55]


@pytest.mark.parametrize("vocabulary", [MARKED, UNMARKED])
@pytest.mark.parametrize("temperature", [0.0, 0.8, 100.0])
@pytest.mark.parametrize("form", [*FORMS.values(), Form(3, 3), Form(1, 1)])
def test_the_form_holds_whatever_the_model_says(vocabulary: Vocabulary, temperature: float, form: Form) -> None:
    poems = write(network(vocabulary), vocabulary, ["日", "月"], form, n=3, temperature=temperature, top_k=5)
    assert len(poems) == 6
    for number, poem in enumerate(poems):
        assert [len(line) for line in poem.lines] == [form.chars] * form.lines
        assert poem.lines == [hanzi(line) for line in poem.lines]
        assert form_of(poem.text.replace("\n", "")) == form
        assert poem.lines[0][0] == "日日日月月月"[number]
        assert len(poem.text.split("\n")) == (form.lines + 1) // 2


def test_the_log_likelihood_is_the_models_own() -> None:
    model = network(MARKED)
    poems = write(model, MARKED, ["日", "山水，"], Form(2, 4), n=3, temperature=0.5, top_k=3)
    for poem in poems:
        ids = torch.tensor([[BOS, *MARKED.encode(poem.text.replace("\n", ""))]])
        with torch.no_grad():
            log_p = model(ids[:, :-1])[0].log_softmax(-1).gather(-1, ids[:, 1:, None]).sum()
        assert poem.log_likelihood == pytest.approx(log_p.item(), rel=1e-6)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_the_state_that_is_carried_is_that_of_the_whole_poem(cell: str) -> None:
    torch.manual_seed(0)
    model = Network(len(MARKED), LanguageModelConfig(embedding_size=6, hidden_size=8, num_layers=2, cell=cell)).eval()
    ids = torch.randint(len(MARKED), (3, 12))
    states = model.initial_state(3)
    with torch.no_grad():
        for t in range(12):
            logits, states = model.step(ids[:, t], states)
            torch.testing.assert_close(logits, model(ids[:, : t + 1])[0][:, -1])


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"temperature": 0.7, "top_k": 30, "top_p": 0.8}])
def test_poems_in_float32_do_not_depend_on_the_batch_size(options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    model = Network(len(MARKED), LanguageModelConfig(hidden_size=64)).eval()
    torch.nn.init.normal_(model.head.weight)  # probabilities as unequal as a trained model's
    starts = ["日", "月山", "日", "春秋江河云"]
    together, by_seven, alone = (
        [poem.text for poem in write(model, MARKED, starts, n=60, batch_size=size, **options)] for size in (64, 7, 1)
    )
    for others in (by_seven, alone):
        assert sum(a != b for a, b in zip(together, others, strict=True)) <= 0.002 * len(together)
    assert len(set(together)) == 240, "each poem has its own random numbers"


def test_a_poem_does_not_depend_on_what_else_is_asked_for() -> None:
    model = network(MARKED)
    many = [poem.text for poem in write(model, MARKED, ["月", "日", "日"], n=3)]
    assert [poem.text for poem in write(model, MARKED, ["日"], n=6)] == many[3:]


def test_in_bfloat16_a_seed_repeats_poems_at_an_equal_batch_size() -> None:
    model = network(MARKED)
    first, again = (write(model, MARKED, ["日", "月"], n=9, batch_size=4, precision="bf16-mixed") for _ in range(2))
    assert first == again
    assert all(form_of(poem.text.replace("\n", "")) == FORMS[poem.form] for poem in first)


def test_a_seed_repeats_a_poem_and_leaves_the_global_generator_alone() -> None:
    model = language_model(network(MARKED), MARKED)
    state = torch.get_rng_state()
    first, again, other = (generate(model, Request(start=["日"], seed=seed))[0].text for seed in (1, 1, 2))
    assert first == again != other
    assert torch.equal(state, torch.get_rng_state())


def test_starts_of_two_forms_come_back_in_their_order() -> None:
    starts = ["日", "日月山水风", "月，", "日月山水风花雪"]
    with pytest.raises(ValueError, match="月，"):
        write(network(MARKED), MARKED, starts)
    starts[2] = "月"
    poems = write(network(MARKED), MARKED, starts, n=2)
    assert [poem.start for poem in poems] == [start for start in starts for _ in range(2)]
    assert [poem.form for poem in poems[::2]] == ["七言绝句", "五言绝句", "七言绝句", "七言绝句"]


def test_a_model_in_training_stays_in_training() -> None:
    model = network(MARKED).train()
    write(model, MARKED, ["日"])
    assert model.training


def test_given_symbols_are_kept_in_every_row() -> None:
    layout = Layout(Form(2, 2), MARKED)
    given = torch.tensor([[7, -1, -1, 8, -1, -1], [-1, 9, -1, -1, 10, -1]])
    ids = decode(network(MARKED), layout.mask, given, SamplingOptions(1), torch.rand(2, 6, 2)).ids
    assert torch.equal(torch.where(given >= 0, ids, given), given)


@pytest.mark.parametrize("decode_by", ["sample", "beam"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_are_told(value: float, decode_by: str) -> None:
    model = network(MARKED)
    model.head.bias.data[20] = value
    with pytest.raises(InputError, match="the model's scores are not numbers"):
        write(model, MARKED, ["日"], decode=decode_by)


@pytest.mark.parametrize("decode_by", ["sample", "beam"])
@pytest.mark.parametrize("value", [-1e9, float("-inf")])
def test_a_model_that_only_wants_to_stop_is_kept_to_the_form(value: float, decode_by: str) -> None:
    model = network(MARKED)
    model.head.bias.data[:] = value
    model.head.bias.data[EOS] = 10.0
    poems = write(model, MARKED, ["日"], n=3, decode=decode_by)
    assert all(form_of(poem.text.replace("\n", "")) == FORMS["七言绝句"] for poem in poems)
