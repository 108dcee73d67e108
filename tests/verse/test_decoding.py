import pytest
import torch

from tang.corpus.forms import FORMS, PUNCTUATION, Form, form_of, hanzi
from tang.data.vocabulary import BOS, SPECIALS, Vocabulary
from tang.tasks.network import Network
from tang.verse.decoding import Settings, decode, draw, keep_top_k, keep_top_p
from tang.verse.layout import Layout
from tang.verse.write import write
from tests.conftest import CHARACTERS

MARKED = Vocabulary([*SPECIALS, *PUNCTUATION, *sorted(set(CHARACTERS))])
UNMARKED = Vocabulary([*SPECIALS, *sorted(set(CHARACTERS))])


def network(vocabulary: Vocabulary) -> Network:
    torch.manual_seed(0)
    return Network(len(vocabulary), hidden_size=8).eval()


def test_top_k_and_top_p_keep_the_likeliest() -> None:
    logits = torch.tensor([[0.1, 0.5, 0.15, 0.25]]).log()
    assert keep_top_k(logits, 2).isfinite().tolist() == [[False, True, False, True]]
    assert keep_top_k(logits, 9).isfinite().all()
    assert keep_top_p(logits, 0.5).isfinite().tolist() == [[False, True, False, False]]
    assert keep_top_p(logits, 0.51).isfinite().tolist() == [[False, True, False, True]]
    assert keep_top_p(logits, 1.0).isfinite().all()


def test_temperature_zero_is_the_likeliest_and_one_is_the_model() -> None:
    logits = torch.tensor([[0.1, 0.6, 0.3]]).log().expand(20_000, 3)
    generator = torch.Generator().manual_seed(0)
    assert (draw(logits, Settings(temperature=0), generator) == 1).all()
    frequencies = draw(logits, Settings(), generator).bincount(minlength=3) / 20_000
    torch.testing.assert_close(frequencies, torch.tensor([0.1, 0.6, 0.3]), atol=0.02, rtol=0)


@pytest.mark.parametrize("vocabulary", [MARKED, UNMARKED])
@pytest.mark.parametrize("temperature", [0.0, 0.8, 100.0])
@pytest.mark.parametrize("form", [*FORMS.values(), Form(3, 3), Form(1, 1)])
def test_the_form_holds_whatever_the_model_says(vocabulary: Vocabulary, temperature: float, form: Form) -> None:
    poems = write(network(vocabulary), vocabulary, ["日", "月"], form, n=3, settings=Settings(temperature, top_k=5))
    assert len(poems) == 6
    for number, poem in enumerate(poems):
        assert [len(line) for line in poem.lines] == [form.chars] * form.lines
        assert poem.lines == [hanzi(line) for line in poem.lines]
        assert form_of(poem.text.replace("\n", "")) == form
        assert poem.lines[0][0] == "日日日月月月"[number]
        assert len(poem.text.split("\n")) == (form.lines + 1) // 2


def test_the_log_likelihood_is_the_models_own() -> None:
    model = network(MARKED)
    (poem,) = write(model, MARKED, ["日"], FORMS["五言绝句"], settings=Settings(0.5, top_k=3))
    ids = torch.tensor([[BOS, *MARKED.encode(poem.text.replace("\n", ""))]])
    with torch.no_grad():
        log_p = model(ids[:, :-1])[0].log_softmax(-1).gather(-1, ids[:, 1:, None]).sum()
    assert poem.log_likelihood == pytest.approx(log_p.item(), rel=1e-4)


def test_a_seed_repeats_a_poem_and_leaves_the_global_generator_alone() -> None:
    model = network(MARKED)
    state = torch.get_rng_state()
    first, again, other = (write(model, MARKED, ["日"], seed=seed)[0].text for seed in (1, 1, 2))
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


def test_training_goes_on_after_writing() -> None:
    model = network(MARKED).train()
    write(model, MARKED, ["日"])
    assert model.training


def test_given_symbols_are_kept_in_every_row() -> None:
    layout = Layout(Form(2, 2), MARKED)
    given = torch.tensor([[7, -1, -1, 8, -1, -1], [-1, 9, -1, -1, 10, -1]])
    ids = decode(network(MARKED), layout.mask(), given, Settings(), seed=0).ids
    assert torch.equal(torch.where(given >= 0, ids, given), given)
