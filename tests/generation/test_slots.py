import pytest

from tang.data.vocabulary import SPECIALS, Vocabulary
from tang.errors import InputError
from tang.generation.request import Request
from tang.generation.slots import Layout, form_for
from tang.text.forms import FORMS, PUNCTUATION, Form, hanzi

WITH_MARKS = Vocabulary([*SPECIALS, "，", "。", "？", *"床前明月光疑是地上霜国"])
WITHOUT_MARKS = Vocabulary([*SPECIALS, *"床前明月光疑是地上霜国"])
QUATRAIN = FORMS["五言绝句"]


def test_slots_are_characters_and_the_marks_of_their_place() -> None:
    layout = Layout(QUATRAIN, WITH_MARKS)
    assert layout.slots == ([None] * 5 + ["，？"] + [None] * 5 + ["。？"]) * 2
    assert Layout(QUATRAIN, WITHOUT_MARKS).slots == [None] * 20


@pytest.mark.parametrize("vocabulary", [WITH_MARKS, WITHOUT_MARKS])
def test_the_mask_admits_what_the_slots_say(vocabulary: Vocabulary) -> None:
    layout = Layout(Form(3, 2), vocabulary)
    for marks, row in zip(layout.slots, layout.mask, strict=True):
        admitted = {symbol for symbol, is_admitted in zip(vocabulary.symbols, row.tolist(), strict=True) if is_admitted}
        assert admitted == (set(marks) if marks else {symbol for symbol in vocabulary.symbols if hanzi(symbol)})


def test_a_start_takes_its_slots() -> None:
    ids = Layout(QUATRAIN, WITH_MARKS).prompt_ids("床前明月光，疑是")
    known = WITH_MARKS.ids
    assert ids == [*(known[c] for c in "床前明月光，疑是"), *[-1] * 16]
    without = Layout(QUATRAIN, WITH_MARKS).prompt_ids("床前明月光疑是地上霜")
    assert without == [*ids[:5], -1, *ids[6:8], *(known[c] for c in "地上霜"), *[-1] * 13]
    assert (
        Layout(QUATRAIN, WITHOUT_MARKS).prompt_ids("床前明月光，疑")
        == [WITHOUT_MARKS.ids[c] for c in "床前明月光疑"] + [-1] * 14
    )


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("，床", "， stands after 0 characters"),
        ("，。", "give at least one Chinese character"),
        ("床前，", "， stands after 2 characters, but the lines of 五言绝句 have 5"),
        ("床前明月光，？？？？？。", "，？ stand together"),
        ("床" * 21, "too long; 五言绝句 has 20 characters; give form=七言绝句, or a shorter start"),
        ("床" * 7, "have 5, and would cut these 7 characters; give form=七言绝句, or a mark after each line"),
        ("床前明月光，疑是地上霜国", "would cut these 6 characters; give another form=, or a mark"),
        ("床" * 7 + "，", "， stands after 7 characters, but the lines of 五言绝句 have 5; give form=七言绝句"),
        ("床a", "'a' is not a Chinese character"),
        ("床🌙", "is not a Chinese character"),
        ("龘", "the model doesn't know the character 龘$"),
    ],
)
def test_a_start_that_cannot_be_is_refused(start: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Layout(QUATRAIN, WITH_MARKS).prompt_ids(start)


@pytest.mark.parametrize(
    ("start", "form"),
    [("日", "七言绝句"), ("春眠不觉晓", "五言绝句"), ("春眠不觉晓，处", "五言绝句"), ("春眠不觉", "七言绝句"),
     ("两个黄鹂鸣翠柳", "七言绝句"), ("春眠不觉晓处", "七言绝句"), ("春眠不觉晓，" * 5, "五言律诗"),
     ("春眠不觉晓处处闻啼鸟", "五言绝句"), ("春眠不觉晓" * 8, "五言律诗"),
     ("两个黄鹂鸣翠柳" * 2, "七言绝句")],
)  # fmt: skip
def test_a_whole_line_asks_for_its_form(start: str, form: str) -> None:
    assert form_for(start, FORMS["七言绝句"]) == FORMS[form]


def test_the_models_own_form_comes_first() -> None:
    assert form_for("春眠不觉晓", FORMS["五言律诗"]) == FORMS["五言律诗"]
    assert form_for("两个黄鹂鸣翠柳", FORMS["五言律诗"]) == FORMS["七言绝句"]


def test_lines_come_back_with_their_marks() -> None:
    couplet, lines = Form(2, 2), ["床前", "明月"]
    assert Layout(couplet, WITH_MARKS).read(WITH_MARKS.encode("床前？明月。")) == (lines, "床前？明月。")
    assert Layout(couplet, WITHOUT_MARKS).read(WITHOUT_MARKS.encode("床前明月")) == (lines, "床前，明月。")


def test_lines_may_differ_as_in_songs() -> None:
    layout = Layout(Form.of((1, 3, 2)), WITH_MARKS)
    assert layout.slots == [None, "，。？", None, None, None, "，。？", None, None, "。？"]
    assert [layout.where(slot) for slot in layout.character_slots] == [(1, 1), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2)]
    assert layout.lines.tolist() == [0, -1, 1, 1, 1, -1, 2, 2, -1]
    known = WITH_MARKS.ids
    assert layout.prompt_ids("床，前明月。疑") == [*(known[c] for c in "床，前明月。疑"), -1, -1]
    with pytest.raises(InputError, match="， stands after 2 characters, but the lines of 1-3-2 have 1, 3, 2"):
        layout.prompt_ids("床前，")
    assert layout.prompt_ids("床前明月")[-2:] == [-1, -1]
    with pytest.raises(InputError, match="the lines of 1-3-2 have 1, 3, 2, and would cut these 2 characters"):
        layout.prompt_ids("床前")
    assert layout.read(WITH_MARKS.encode("床？前明月，疑是。")) == (["床", "前明月", "疑是"], "床？前明月，\n疑是。")
    assert form_for("床", Form.of((1, 3, 2))) == Form.of((1, 3, 2))


def test_a_form_is_asked_by_name_or_by_numbers() -> None:
    assert Request(form="五言律诗").asked_form == Form(5, 8)
    assert Request(chars=6, lines=4).asked_form == Form(6, 4)
    assert Request().asked_form is None
    for name, chars, lines in (("五言律诗", 5, None), (None, 5, None), (None, None, 4)):
        with pytest.raises(InputError):
            _ = Request(form=name, chars=chars, lines=lines).asked_form


def test_the_layout_knows_the_marks_of_the_corpus() -> None:
    everything = Vocabulary([*SPECIALS, *PUNCTUATION, "日"])
    assert set("".join(Layout(QUATRAIN, everything).marks)) == set(PUNCTUATION) - {"、"}
