from tang.data.vocabulary import SPECIALS, UNK, Vocabulary


def test_order_is_by_count_then_character() -> None:
    assert Vocabulary.build(["月月日", "日山，"]).symbols == [*SPECIALS, "日", "月", "山", "，"]


def test_rare_characters_become_unknown() -> None:
    vocabulary = Vocabulary.build(["月月日", "日山，"], min_count=2)
    assert vocabulary.symbols == [*SPECIALS, "日", "月"]
    assert vocabulary.encode("月山") == [5, UNK]
    assert vocabulary.decode([2, 5, UNK, 3, 0]) == "月□"
    assert "山" not in vocabulary
