import numpy as np
import pytest

from tang.evaluation.measures import (
    Measurement,
    distinct,
    is_strictly_regular,
    parallelism,
    rhyme_tones,
    self_similarity,
    tone_matches,
)
from tang.text.forms import FORMS

FIVE = FORMS["五言绝句"]
TOWER = ["白日依山尽", "黄河入海流", "欲穷千里目", "更上一层楼"]
"""Regular: 仄起首句不入韵, 流 and 楼 in 十一尤."""
MORNING = ["春眠不觉晓", "处处闻啼鸟", "夜来风雨声", "花落知多少"]
"""Rhymes in 仄."""
UNREAD = "〇"
"""A character without reading."""


def changed(line: int, place: int, character: str) -> list[str]:
    """TOWER with another character at a position."""
    lines = list(TOWER)
    lines[line] = lines[line][:place] + character + lines[line][place + 1 :]
    return lines


def test_a_measurement_is_the_mean_of_the_decided_items() -> None:
    assert Measurement.mean([True, None, False, True, True]) == Measurement(0.75, 4)
    assert Measurement.mean([None]) == Measurement(None, 0)


def test_rhyme_tones_are_those_of_the_shared_groups() -> None:
    assert rhyme_tones(TOWER, "simplified") == frozenset("平")
    assert rhyme_tones(MORNING, "simplified") == frozenset("仄")
    assert rhyme_tones(changed(1, 4, "山"), "simplified") == frozenset()
    assert rhyme_tones(TOWER, "simplified", first=True) == frozenset()
    assert rhyme_tones(changed(0, 4, "秋"), "simplified", first=True) == frozenset("平")
    assert rhyme_tones(changed(3, 4, UNREAD), "simplified") is None
    assert rhyme_tones(changed(2, 4, UNREAD), "simplified") == frozenset("平")  # an odd line


def test_each_position_bound_loosely_is_measured() -> None:
    assert tone_matches(TOWER, FIVE, "simplified") == [True] * 12
    assert tone_matches(changed(1, 1, "日"), FIVE, "simplified") == [False] + [True] * 11
    assert sorted(tone_matches(changed(1, 1, UNREAD), FIVE, "simplified"), key=str) == [None] + [True] * 11
    assert tone_matches(changed(1, 2, UNREAD), FIVE, "simplified") == [True] * 12  # its third place is free


def test_a_regular_poem_keeps_the_strict_pattern_and_rhymes() -> None:
    assert is_strictly_regular(TOWER, FIVE, "simplified")
    assert is_strictly_regular(changed(0, 0, "山"), FIVE, "simplified")  # free even so
    for line, place, character in [(1, 2, "山"), (1, 4, "山"), (0, 4, "山"), (0, 1, "山")]:
        assert is_strictly_regular(changed(line, place, character), FIVE, "simplified") is False
    assert is_strictly_regular(changed(1, 2, UNREAD), FIVE, "simplified") is None
    assert is_strictly_regular(changed(0, 0, UNREAD), FIVE, "simplified") is True


def test_distinct_characters_and_pairs() -> None:
    poems = [["山山水", "水月水"], ["山水山", "风花雪"]]
    assert distinct(poems, 1) == Measurement(6 / 12, 12)
    assert distinct(poems, 2) == Measurement(7 / 8, 8)  # 山山 山水 水月 月水 / 山水 水山 风花 花雪


def test_self_similarity_is_the_largest_share_with_one_other_poem() -> None:
    poems = [["山水月"], ["山水风"], ["水月风"], ["天地人"]]
    # 山水 月: 1/2 with either of the next two; 山水, 水风: 1/2; 水月, 月风: 1/2; the last 0.
    assert self_similarity(poems) == Measurement(1.5 / 4, 4)
    assert self_similarity([*poems, ["天地人"]]) == Measurement(3.5 / 5, 5)
    assert self_similarity(poems[:1]) == Measurement(None, 0)


def test_parallelism_compares_equal_places_with_those_of_another_poem() -> None:
    embedding = np.array([[1.0, 0.0], [-2.0, 0.0], [3.0, 0.0], [-4.0, 0.0]])  # 0 and 2 are alike, so are 1 and 3
    tones = np.zeros(4)
    couplets = np.array([[[[0, 1], [2, 3]]], [[[1, 0], [3, 2]]]])
    assert parallelism(couplets, embedding, tones) == Measurement(2.0, 4)
    crossed = np.array([[[[0, 1], [3, 2]]], [[[1, 0], [2, 3]]]])
    assert parallelism(crossed, embedding, tones) == Measurement(-2.0, 4)
    same = np.array([[[[0, 1], [0, 3]]], [[[1, 0], [3, 2]]]])  # 0 above 0 is not counted
    assert parallelism(same, embedding, tones) == Measurement(2.0, 3)
    assert parallelism(couplets[:1], embedding, tones) == Measurement(None, 0)


def test_parallelism_is_not_hidden_by_opposite_tones() -> None:
    embedding = np.array([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])  # tone, meaning
    couplets = np.array([[[[0], [1]]], [[[2], [3]]]])
    found = parallelism(couplets, embedding, tones=np.array([0, 1, 0, 1]))
    assert found.value == pytest.approx(2)
    assert parallelism(couplets, embedding, np.zeros(4)).value == pytest.approx(1)
