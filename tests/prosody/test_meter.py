from itertools import pairwise, product

import pytest

from tang.errors import InputError
from tang.prosody.meter import (
    Break,
    Pattern,
    Slip,
    Strictness,
    breaks,
    faults,
    nearest,
    patterns,
    rhyming_lines,
    slips,
    tone_pattern,
)
from tang.text.forms import FORMS, Form

REGULATED = [*FORMS.values(), Form(5, 6), Form(7, 12)]
STRICTNESSES: tuple[Strictness, ...] = ("strict", "loose")
SPOKEN = str.maketrans({"平": "天", "仄": "月"})  # characters of one reading each


def spoken(lines: tuple[str, ...]) -> list[str]:
    """Lines that have these tones."""
    return [line.translate(SPOKEN) for line in lines]


def every(form: Form) -> list[Pattern]:
    return list(patterns(form))


@pytest.mark.parametrize("form", REGULATED, ids=str)
def test_a_form_has_four_patterns_by_start_and_first_rhyme(form: Form) -> None:
    assert {(pattern.start, pattern.first_rhymes) for pattern in patterns(form)} == set(product("平仄", (True, False)))
    for pattern in patterns(form):
        assert [len(line) for line in pattern.lines] == [form.chars] * form.lines
        assert pattern.lines[0][1] == pattern.start
        assert (pattern.lines[0][-1] == "平") == pattern.first_rhymes


@pytest.mark.parametrize("form", REGULATED, ids=str)
def test_patterns_obey_the_rules_that_every_handbook_gives(form: Form) -> None:
    for pattern in patterns(form):
        for line in pattern.lines:
            nodes = line[1 : form.chars - 1 : 2]  # 2, 4 and 6
            assert all(a != b for a, b in pairwise(nodes)), "the even places of a line alternate"
            assert line[-3:] not in ("平平平", "仄仄仄")
        for number, (line, after) in enumerate(pairwise(pattern.lines), 1):
            agree = [a == b for a, b in zip(line[1:-1:2], after[1:-1:2], strict=True)]
            assert not any(agree) if number % 2 else all(agree), "对 within a couplet, 粘 between two"
        ends = "".join(line[-1] for line in pattern.lines)
        assert ends[1::2] == "平" * (form.lines // 2)
        assert ends[2::2] == "仄" * (form.lines // 2 - 1)


def test_the_patterns_of_the_quatrain_are_the_textbooks() -> None:
    printed = {str(pattern): " ".join(pattern.lines) for pattern in patterns(FORMS["五言绝句"])}
    assert printed == {
        "仄起首句不入韵": "仄仄平平仄 平平仄仄平 平平平仄仄 仄仄仄平平",
        "仄起首句入韵": "仄仄仄平平 平平仄仄平 平平平仄仄 仄仄仄平平",
        "平起首句不入韵": "平平平仄仄 仄仄仄平平 仄仄平平仄 平平仄仄平",
        "平起首句入韵": "平平仄仄平 仄仄仄平平 仄仄平平仄 平平仄仄平",
    }


def test_what_is_wanted_strictly_and_loosely() -> None:
    level = next(pattern for pattern in patterns(FORMS["七言绝句"]) if str(pattern) == "平起首句不入韵")
    assert level.wanted("strict") == ("中平中仄平平仄", "中仄平平仄仄平", "中仄中平平仄仄", "中平中仄仄平平")
    assert level.wanted("loose") == ("中平中仄中平仄", "中仄中平中仄平", "中仄中平中仄仄", "中平中仄中平平")


@pytest.mark.parametrize("strictness", STRICTNESSES)
@pytest.mark.parametrize("pattern", every(FORMS["七言律诗"]), ids=str)
def test_a_pattern_fulfils_itself_and_is_the_nearest(pattern: Pattern, strictness: Strictness) -> None:
    lines = spoken(pattern.lines)
    assert nearest(lines, FORMS["七言律诗"], strictness, "simplified") == (pattern, [])
    assert breaks(lines, "simplified") == []


@pytest.mark.parametrize("form", [FORMS["五言绝句"], FORMS["七言绝句"]], ids=str)
def test_no_freedom_that_is_left_strictly_makes_a_fault(form: Form) -> None:
    for wanted in {line for pattern in patterns(form) for line in pattern.wanted("strict")}:
        for tones in product(*("平仄" if tone == "中" else tone for tone in wanted)):
            assert faults("".join(tones).translate(SPOKEN), "simplified") == []


@pytest.mark.parametrize("form", [FORMS["五言绝句"], FORMS["七言绝句"]], ids=str)
def test_what_is_right_strictly_is_right_loosely(form: Form) -> None:
    for pattern in patterns(form):
        for strict, loose in zip(pattern.wanted("strict"), pattern.wanted("loose"), strict=True):
            assert all(b in ("中", a) for a, b in zip(strict, loose, strict=True))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("月天月月天", ["孤平"]),
        ("天月月天月月天", ["孤平"]),
        ("天天月月天", []),
        ("月天天月天", []),  # the third place saves it
        ("月月天天天", ["三平尾"]),
        ("天天月月月", ["三仄尾"]),
        ("中天月月天", []),  # 中 may be 平
        ("月月中天天", []),
        ("月□月月天", []),
    ],
)
def test_faults_are_named_where_all_readings_agree(line: str, expected: list[str]) -> None:
    assert faults(line, "simplified") == expected


def test_a_slip_is_where_no_reading_has_the_tone() -> None:
    pattern = patterns(FORMS["五言绝句"])[0]  # 仄仄平平仄
    lines = spoken(pattern.lines)
    assert slips(["天月天天月", *lines[1:]], pattern, "strict", "simplified") == []
    expected = [Slip(1, 2, "天", "仄"), Slip(1, 5, "天", "仄")]
    assert slips(["月天天天天", *lines[1:]], pattern, "strict", "simplified") == expected
    assert slips(["月中天□看", *lines[1:]], pattern, "strict", "simplified") == [], "中 and 看 have both tones, □ none"
    third = ["月月月天月", *lines[1:]]
    assert slips(third, pattern, "strict", "simplified") == [Slip(1, 3, "月", "平")]
    assert slips(third, pattern, "loose", "simplified") == []


@pytest.mark.parametrize(("before", "start"), [("", 0), ("月月", 2)])
def test_the_usual_license_passes_loosely(before: str, start: int) -> None:
    form = FORMS["七言绝句" if before else "五言绝句"]
    pattern = next(pattern for pattern in patterns(form) if pattern.lines[2].endswith("平平平仄仄"))
    lines = spoken(pattern.lines)
    licensed, worse = ([*lines[:2], before + five, lines[3]] for five in ("月天月天月", "月天天天月"))
    assert slips(licensed, pattern, "loose", "simplified") == []
    assert [slip.place - start for slip in slips(licensed, pattern, "strict", "simplified")] == [3, 4]
    assert [slip.place - start for slip in slips(worse, pattern, "loose", "simplified")] == [4]


def test_of_two_patterns_as_near_the_first_lines_rhyme_decides() -> None:
    rest = ["天天月月天", "天天天月月", "月月月天天"]
    for end, rhymes in (("看", False), ("先", True)):  # both have readings of both tones; 先 rhymes with 天
        pattern, found = nearest([f"月月中中{end}", *rest], FORMS["五言绝句"], "loose", "simplified")
        assert found == []
        assert pattern.first_rhymes is rhymes


def test_lines_that_do_not_answer_each_other_are_found() -> None:
    lines = ["月月天天月", "月天月月天", "月月天天月", "天月月月天"]
    assert breaks(lines, "simplified") == [Break("失粘", 3), Break("失对", 4)]
    assert breaks(["月中天天月", "天天月月天"], "simplified") == [], "中 has both tones"


def test_even_lines_rhyme_and_the_first_may() -> None:
    assert rhyming_lines(8, first_rhymes=False) == [1, 3, 5, 7]
    assert rhyming_lines(4, first_rhymes=True) == [0, 1, 3]


@pytest.mark.parametrize("form", [Form(4, 4), Form(6, 8), Form(4, 2), Form(7, 5)], ids=str)
def test_other_forms_have_no_pattern(form: Form) -> None:
    with pytest.raises(InputError, match=f"{form} has no tone pattern"):
        patterns(form)


def test_a_couplet_ends_its_first_line_in_oblique_and_its_second_in_level() -> None:
    for chars in (5, 7):
        for pattern in patterns(Form(chars, 2)):
            assert [line[-1] for line in pattern.lines] == ["仄", "平"]
            assert pattern.lines[0][1] != pattern.lines[1][1], "对"


def test_the_tones_of_a_line() -> None:
    assert tone_pattern("更上一层楼", "simplified") == "中仄仄平平"
    assert tone_pattern("國破山河A", "traditional") == "仄仄平平？"
