from collections.abc import Sequence

import numpy as np
import pytest

from tang.data.sequences import Sequences
from tang.data.vocabulary import BOS, EOS, SPECIALS, Vocabulary
from tang.generation.overlap import Spans

POEMS = ["白日依山尽，黄河入海流。欲穷千里目，更上一层楼。", "山中相送罢，日暮掩柴扉。春草明年绿，王孙归不归。"]
RARE = "春草犇年绿，山中相送罢。"
VOCABULARY = Vocabulary([*SPECIALS, *sorted({*"".join(POEMS), *"，。天"})])


def sequences(*texts: str) -> Sequences:
    rows = [[BOS, *VOCABULARY.encode(text), EOS] for text in texts]
    return Sequences(np.concatenate(rows).astype(np.int32), np.cumsum([0, *map(len, rows)]))


def ids(text: str) -> list[int]:
    return VOCABULARY.encode(text)


@pytest.fixture(scope="module")
def spans() -> Spans:
    return Spans.of(sequences(*POEMS, RARE), VOCABULARY)


def slow_longest(poem: Sequence[str], training: Sequence[str]) -> int:
    """By comparing strings."""
    poem = "".join(poem)
    found = (
        end - begin
        for begin in range(len(poem))
        for end in range(begin, len(poem) + 1)
        if any(poem[begin:end] in other for other in training)
    )
    return max(found)


def test_lines_are_found_whole(spans: Spans) -> None:
    assert spans.has_line(ids("欲穷千里目"))
    assert spans.has_line(ids("王孙归不归"))
    for line in ("欲穷千里", "河入海流欲", "目里千穷欲", "目", "白日依山天", "春草犇年绿"):
        assert not spans.has_line(ids(line))


def test_windows_cross_lines_but_neither_poems_nor_unknown_characters(spans: Spans) -> None:
    fives = ["白日依山尽", "河入海流欲", "层楼山中相", "春草犇年绿", "犇年绿山中", "年绿山中相", "流海入河黄"]
    assert spans.is_copied(np.array([ids(five) for five in fives])).tolist() == [1, 1, 0, 0, 0, 1, 0]


def test_the_longest_span_is_that_of_comparing_strings(spans: Spans) -> None:
    rng = np.random.default_rng(0)
    training = ["".join(c for c in poem if c not in "，。") for poem in POEMS]
    training += ["春草", "年绿山中相送罢"]
    queries = ["天", "天山天", "白日依山", "依山尽黄河入海天", "里目更上一层楼", training[0], "层楼山中相送罢日"]
    for _ in range(300):  # pieces of the training part, glued together
        pieces = []
        for _ in range(rng.integers(1, 5)):
            poem = training[rng.integers(len(training))]
            begin = rng.integers(len(poem))
            pieces.append(poem[begin : begin + rng.integers(1, 12)])
        queries.append("".join(pieces))
    expected = [slow_longest(query, training) for query in queries]
    assert spans.longest([ids(query) for query in queries]).tolist() == expected
    assert {1, 4, 5, 20} <= set(expected)


def test_without_marks_regulated_poems_are_cut_by_their_form() -> None:
    texts = ["".join(c for c in poem if c not in "，。") for poem in POEMS]
    spans = Spans.of(sequences(*texts, "白日依山尽天天"), VOCABULARY)
    assert spans.has_line(ids("欲穷千里目"))
    assert spans.has_line(ids("王孙归不归"))
    assert not spans.has_line(ids("尽黄河入海"))
    assert not spans.has_line(ids("白日依山尽天天"))
    assert spans.is_copied(np.array([ids("依山尽天天")])).all()
