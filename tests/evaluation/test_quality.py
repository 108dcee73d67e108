from collections import Counter

import numpy as np
import pytest

from tang.data.sequences import Sequences
from tang.data.vocabulary import BOS, EOS, SPECIALS, Vocabulary
from tang.evaluation.measures import Measurement
from tang.evaluation.quality import QualityMetrics, encoded, held_out, shuffled
from tang.generation.overlap import Spans
from tang.text.forms import FORMS, hanzi

FIVE, EIGHT = FORMS["五言绝句"], FORMS["五言律诗"]
TOWER = "白日依山尽，黄河入海流。欲穷千里目，更上一层楼。"
MORNING = "春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少？"
LONG = "城阙辅三秦，风烟望五津。与君离别意，同是宦游人。海内存知己，天涯若比邻。无为在歧路，儿女共沾巾。"
CHARACTERS = sorted({*TOWER, *MORNING, *LONG})
VOCABULARY = Vocabulary([*SPECIALS, *CHARACTERS])
BARE = Vocabulary([*SPECIALS, *(character for character in CHARACTERS if hanzi(character))])


def uniform(sequences: Sequences) -> tuple[np.ndarray, np.ndarray]:
    """−ln p is 2 for characters, 0 for marks and ends."""
    targets = np.delete(sequences.tokens, sequences.offsets[:-1])
    return targets, np.array([2.0 * bool(hanzi(VOCABULARY.symbols[id])) for id in targets])


def metrics(name: str = "五言绝句") -> QualityMetrics:
    spans = Spans.of(encoded([TOWER], VOCABULARY), VOCABULARY)
    embedding = np.random.default_rng(0).normal(size=(len(VOCABULARY), 8))
    return QualityMetrics(FORMS[name], "simplified", VOCABULARY, spans, embedding, {"trigram": uniform})


def test_the_metrics_of_two_poems() -> None:
    found = metrics().measure([TOWER, MORNING], compared=2)
    assert found["form"] == Measurement(1.0, 2)
    assert found["rhyme"] == Measurement(0.5, 2)
    assert found["rhyme, any tone"] == Measurement(1.0, 2)
    assert found["tones, poems"] == Measurement(0.5, 2)
    assert found["regular"] == Measurement(0.5, 2)
    assert found["tones, places"].count == 24
    assert found["distinct-1"] == Measurement(39 / 40, 40)  # 处处
    assert found["repetition"] == Measurement(0.0, 2)
    assert found["lines found"] == Measurement(4 / 8, 8)
    assert found["longest of all"] == Measurement(20.0, 2)
    assert found["parallelism"] == Measurement(None, 0)
    assert found["ln p, trigram"] == Measurement(-2.0, 40)


def test_metrics_that_depend_on_the_number_of_poems_are_over_the_first_ones() -> None:
    found = metrics().measure([TOWER, MORNING, TOWER], compared=2)
    assert found["distinct-1"].count == 40
    assert found["self-similarity"] == Measurement(0.0, 2)
    assert found["repetition"].count == 3


def test_a_poem_of_another_form_counts_as_such_and_its_tones_are_left_out() -> None:
    found = metrics().measure([TOWER, LONG], compared=2)
    assert found["form"] == Measurement(0.5, 2)
    assert found["regular"] == Measurement(1.0, 1)
    assert metrics().measure([LONG], compared=1)["regular"] == Measurement(None, 0)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["山水月", "风花雪"], False),
        (["青青草", "风花雪"], False),
        (["青青草", "青花雪"], True),
        (["草花青", "青水雪"], True),
        (["山水山", "风花雪"], True),
    ],
)
def test_doubled_characters_are_no_repetition(lines: list[str], found: bool) -> None:
    assert metrics().measure(["，".join(lines)], compared=1)["repetition"] == Measurement(float(found), 1)


def test_parallelism_is_of_the_middle_couplets_of_eight_lines() -> None:
    assert metrics("五言律诗").measure([LONG, LONG[::-1][1:] + "。"], compared=2)["parallelism"].count == 20
    assert metrics("五言律诗").measure([TOWER], compared=1)["parallelism"] == Measurement(None, 0)


def test_held_out_poems_have_the_form_and_known_characters() -> None:
    rare = TOWER.replace("白", "犇")
    part = encoded([TOWER, LONG, rare, MORNING, TOWER[:12]], VOCABULARY)
    assert held_out(part, VOCABULARY, FIVE) == [TOWER, MORNING]
    assert held_out(part, VOCABULARY, EIGHT) == [LONG]


def test_held_out_poems_of_a_corpus_without_marks_get_those_of_the_form() -> None:
    part = encoded([TOWER, LONG, TOWER[:12]], BARE)
    assert EOS in part[0]
    assert held_out(part, BARE, FIVE) == [TOWER]
    assert held_out(part, BARE, EIGHT) == [LONG]


def test_a_model_reads_only_marks_that_it_knows() -> None:
    assert encoded([TOWER, MORNING], BARE)[1].tolist() == [BOS, *BARE.encode(hanzi(MORNING)), EOS]
    assert encoded([TOWER, MORNING], VOCABULARY)[1].tolist() == [BOS, *VOCABULARY.encode(MORNING), EOS]


@pytest.mark.parametrize("seed", [1, 2])
def test_chance_deals_out_the_characters_and_leaves_the_marks(seed: int) -> None:
    dealt = shuffled([TOWER, MORNING], seed)
    assert dealt == shuffled([TOWER, MORNING], seed)
    assert dealt != shuffled([TOWER, MORNING], seed + 1)
    assert Counter("".join(dealt)) == Counter(TOWER + MORNING)
    for poem, real in zip(dealt, [TOWER, MORNING], strict=True):
        assert [place for place, symbol in enumerate(poem) if not hanzi(symbol)] == [5, 11, 17, 23]
        assert poem[23] == real[23]
