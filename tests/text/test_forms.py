import pytest

from tang.errors import InputError
from tang.text.forms import FORMS, Form, form_named, form_of, is_form, shape_of, split_lines, stanzas
from tests.conftest import verse


@pytest.mark.parametrize(("name", "form"), FORMS.items())
def test_a_form_is_recognized(name: str, form: Form) -> None:
    assert form_of(verse(1, form.chars, form.lines)) == form_named(name) == form
    assert str(form) == name


def test_lines_of_unequal_length_have_no_form() -> None:
    assert form_of("君不见，黄河之水天上来。") is None


@pytest.mark.parametrize(
    ("name", "text", "lengths"),
    [
        ("5×2", "白日依山尽，黄河入海流。", (5, 5)),
        ("3-5-7-7-5", "江南好，风景旧曾谙。日出江花红胜火，春来江水绿如蓝。能不忆江南？", (3, 5, 7, 7, 5)),
        ("五言绝句", verse(1), (5, 5, 5, 5)),
    ],
)
def test_every_poem_has_a_form_with_a_name(name: str, text: str, lengths: tuple[int, ...]) -> None:
    form = shape_of(text)
    assert is_form(name)
    assert (str(form), form_named(name), form.lengths, form.lines) == (name, form, lengths, len(lengths))
    assert form_named("5x2") == Form(5, 2)


def test_a_pause_does_not_end_a_line() -> None:
    assert split_lines("江、河水，日月明。山") == ["江、河水，", "日月明。", "山"]
    assert form_of("江、河水，日月明。") == Form(3, 2)


def test_stanzas_cut_regular_poems_only() -> None:
    eight, ten = verse(1, 5, 8), verse(2, 5, 10)
    assert stanzas(eight, 4) == [eight[:24], eight[24:]]
    assert stanzas(ten, 4) == [ten[:24], ten[24:48]]
    irregular = "君不见，黄河之水天上来。奔流到海不复回，君不见。高堂明镜。"
    assert stanzas(irregular, 2) == [irregular]
    assert stanzas(verse(3), 4) == [verse(3)]


def test_an_unknown_form_is_refused_with_the_known_ones() -> None:
    for name in ("五绝", "5×", "0×2", "101×2", "5×1001", "3-", "3-100", "五言绝句 "):
        with pytest.raises(InputError, match=r"五言绝句，七言绝句，五言律诗，七言律诗.*5×2.*3-5-7-7-5"):
            form_named(name)
        assert not is_form(name)
