import pytest
import torch
from torch import Tensor

from tang.config.model import LanguageModelConfig
from tang.data.vocabulary import BOS, EOS, PAD, Vocabulary
from tang.errors import InputError
from tang.tasks.echo import MAX_PLACE, Echo, above
from tang.tasks.network import Network
from tang.tasks.poem_model import PoemModel

KNOWN = Vocabulary.build(["日照月明山水风花，。、"])
ENDS = torch.tensor(KNOWN.begins_line)


def ids(text: str, title: str = "", padding: int = 0) -> Tensor:
    """(1, T) the inputs of a poem."""
    return torch.tensor([[*KNOWN.encode(title), BOS, *KNOWN.encode(text), EOS, *[PAD] * padding]])


def words(found: Tensor) -> str:
    return "".join(KNOWN.symbols[id] if id != PAD else "–" for id in found.tolist())


def test_a_line_ends_at_a_mark_but_not_at_a_pause() -> None:
    assert {symbol for symbol, ends in zip(KNOWN.symbols, ENDS.tolist(), strict=True) if ends} == {"，", "。", "<bos>"}


def test_above_are_the_characters_and_marks_at_the_same_place() -> None:
    found, place = above(ids("日照，月明。山水，风花。"), ENDS, 2)
    #                       the next symbol:  日照，月明。山水，风花。and what follows the end
    assert words(found[0, :, 0])[:12] == "–––日照，月明。山水，"
    assert words(found[0, :, 1])[:12] == "––––––日照，月明。"
    assert place[0, :12].tolist() == [0, 1, 2] * 4


def test_above_a_longer_line_is_nothing_and_a_shorter_one_ends_with_its_mark() -> None:
    found, _ = above(ids("日照，月明山水。风，花日"), ENDS, 2)
    #                       月明山水。风，花日
    assert words(found[0, 3:12, 0]) == "日照，––月明风，"
    assert words(found[0, 3:12, 1]) == "–––––日照月明"


def test_a_title_is_not_a_line() -> None:
    bare, place = above(ids("日照，月明。"), ENDS, 2)
    titled, titled_place = above(ids("日照，月明。", title="山水风"), ENDS, 2)
    assert torch.equal(titled[:, 3:], bare)
    assert torch.equal(titled_place[:, 3:], place)


def test_no_line_above_leaves_the_place_in_the_line() -> None:
    found, place = above(ids("日照，月明。"), ENDS, 0)
    assert found.shape == (1, 8, 0)
    assert place[0, :6].tolist() == [0, 1, 2] * 2
    assert Echo(ENDS, 5, 0, None)(ids("日照，月明。")).shape == (1, 8, 5)


def test_padding_changes_nothing() -> None:
    bare, _ = above(ids("日照，月明。"), ENDS, 2)
    assert torch.equal(above(ids("日照，月明。", padding=3), ENDS, 2)[0][:, :-3], bare)


def test_without_marks_lines_have_the_length_that_is_given() -> None:
    found, place = above(ids("日照月明山水", title="风花"), ENDS, 2, line_length=2)
    assert words(found[0, 2:8, 0]) == "––日照月明"
    assert words(found[0, 2:8, 1]) == "––––日照"
    assert place[0, 2:8].tolist() == [0, 1] * 3


@pytest.mark.parametrize("to_head", [True, False])
@pytest.mark.parametrize(
    ("text", "title", "line_length"),
    [
        ("日照，月明。山水，风花。", "", None),
        ("日照月明，山水风，花。日照月明山水风。", "", None),
        ("日，照、月，明。", "山水", None),
        ("日照月明山水风花日", "", 3),
        ("日" * (MAX_PLACE + 3) + "，月。", "", None),
    ],
)
def test_step_by_step_a_network_hears_what_it_hears_at_once(
    text: str, title: str, line_length: int | None, to_head: bool
) -> None:
    torch.manual_seed(0)
    config = LanguageModelConfig(hidden_size=8, num_layers=2, echo_size=4, echo_lines=3, echo_to_head=to_head)
    network = Network(len(KNOWN), config, Echo(ENDS, 4, 3, line_length)).eval()
    if network.echo_to_head:
        torch.nn.init.normal_(network.echo_to_head.weight)
    poem = ids(text, title)
    with torch.no_grad():
        at_once, _ = network(torch.cat((poem, torch.full((1, 2), PAD)), 1))
        state, steps = network.initial_state(1), []
        for symbol in poem[0]:
            logits, state = network.step(symbol[None], state)
            steps.append(logits)
    torch.testing.assert_close(torch.stack(steps, 1), at_once[:, :-2])


def model(**data: object) -> PoemModel:
    return PoemModel({"hidden_size": 8, "echo_size": 4}, KNOWN.symbols, {"source": "text", "path": "x", **data})


def test_a_corpus_without_marks_must_have_lines_of_one_length() -> None:
    echo = model(punctuation="drop", forms=["五言绝句", "五言律诗"]).network.echo
    assert echo is not None
    assert echo.line_length == 5
    for forms in (None, ["五言绝句", "七言绝句"], ["3-5-7"]):
        with pytest.raises(InputError, match=r"model\.echo_size=4: .*give data\.forms"):
            model(punctuation="drop", forms=forms)
    echo = model(punctuation="keep").network.echo
    assert echo is not None
    assert echo.line_length is None
