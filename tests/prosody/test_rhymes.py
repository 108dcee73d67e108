from collections import Counter
from pathlib import Path

import pytest

import tang.prosody.rhymes
from tang.errors import InputError
from tang.prosody.rhymes import common_groups, groups, level_group, readings, tones
from tang.text.script import _VARIANTS, SCRIPTS, Script

ROWS = [
    row
    for row in Path(tang.prosody.rhymes.__file__).with_name("pingshui.txt").read_text(encoding="utf-8").splitlines()
    if not row.startswith("#")
]


def names(character: str, script: Script) -> set[str]:
    return {str(group) for group in readings(character, script)}


def test_there_are_106_groups_in_five_levels() -> None:
    levels = Counter(group.level for group in groups())
    assert levels == {"上平": 15, "下平": 15, "上": 29, "去": 30, "入": 17}
    assert len({group.name for group in groups()}) == 106
    assert [str(group) for group in groups() if group.name.startswith("一")] == [
        "上平一东", "下平一先", "上一董", "去一送", "入一屋",
    ]  # fmt: skip
    assert Counter(group.tone for group in groups()) == {"平": 30, "仄": 76}


def test_a_group_has_the_character_it_is_named_after() -> None:
    assert [group for group in groups() if group not in readings(group.name[-1], "simplified")] == []


def test_the_table_is_clean() -> None:
    members: Counter[tuple[str, str]] = Counter()
    variants: list[str] = []
    for row in ROWS:
        if "=" in row:
            variants += row.split()
        else:
            name, characters = row.split(" ")
            members.update((name, character) for character in characters)
    assert {name for name, _ in members} == set(map(str, groups())), "an addition names no group"
    assert set(members.values()) == {1}, "a character stands twice in a group"
    assert all(character.isalpha() and not character.isascii() for _, character in members)
    known = {character for _, character in members}
    for variant in variants:
        others, character = variant.split("=")
        assert character in known
        assert not known & set(others), "a variant has its own readings"


@pytest.mark.parametrize(
    ("character", "script", "expected"),
    [
        ("東", "traditional", {"上平一东"}),
        ("东", "simplified", {"上平一东"}),
        ("看", "simplified", {"上平十四寒", "去十五翰"}),
        ("發", "traditional", {"入六月"}),
        ("斗", "traditional", {"上二十五有"}),
        ("斗", "simplified", {"上二十五有", "去二十六宥"}),  # 斗 and 鬥
        ("羣", "traditional", {"上平十二文"}),  # which becomes 群 in conversion
        ("疎", "traditional", {"上平六鱼", "去六御"}),  # which the table lists as a variant
        ("啼", "simplified", {"上平八齐"}),  # an addition
        ("乾", "simplified", {"上平十四寒", "下平一先"}),  # 乾坤: what a phrase keeps in simplified text
        ("A", "simplified", set()),
        ("□", "traditional", set()),
    ],
)
def test_readings_are_the_groups_of_the_book(character: str, script: Script, expected: set[str]) -> None:
    assert names(character, script) == expected


def test_in_simplified_script_a_character_has_the_readings_of_all_it_stands_for() -> None:
    assert readings("干", "simplified") >= readings("乾", "traditional") | readings("幹", "traditional")


@pytest.mark.parametrize("script", SCRIPTS)
def test_tones_follow_from_the_readings(script: Script) -> None:
    assert tones("月", script) == {"仄"}
    assert tones("花", script) == {"平"}
    assert tones("中", script) == {"平", "仄"}
    assert tones("?", script) == set()


def test_ends_rhyme_when_they_share_a_group() -> None:
    assert [str(group) for group in common_groups("流楼", "simplified")] == ["下平十一尤"]
    assert [str(group) for group in common_groups("看寒", "simplified")] == ["上平十四寒"]  # 看's other reading is 仄
    assert common_groups("东冬", "simplified") == set(), "one sound today, two groups in the book"
    assert common_groups("东A", "simplified") == set(), "nothing is known of A"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("十一真", "上平十一真"),
        ("真", "上平十一真"),
        ("上平十一真", "上平十一真"),
        ("上平聲十一真", "上平十一真"),
        ("春", "上平十一真"),
        ("東", "上平一东"),
        ("东", "上平一东"),
        ("看", "上平十四寒"),
        ("凭", "下平十蒸"),
    ],
)
def test_a_group_is_found_by_its_name_or_a_character(name: str, expected: str) -> None:
    assert str(level_group(name)) == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("涯", "rhyme=涯: is in several groups; give one of 上平四支，上平九佳，下平六麻"),
        ("日", "rhyme=日: is 仄 .入四质.; poems rhyme in 平, in 一东，二冬，"),
        ("十四愿", "rhyme=十四愿: is 仄 .去十四愿.; poems rhyme in 平"),
        ("rain", "rhyme=rain: names no group; poems rhyme in 平, in 一东"),
    ],
)
def test_a_group_that_is_not_clear_is_refused_with_the_choices(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        level_group(name)


def test_usual_characters_sound_as_the_variants_they_replace() -> None:
    for code, plain in _VARIANTS.items():
        old, new = (readings(chr(character), "simplified") for character in (code, plain))
        assert not old or {group.tone for group in old} == {group.tone for group in new}, chr(code)
        assert old <= new
