from tang.corpus.clean import clean_all
from tang.data.added import addable
from tang.data.split import Assignment

OWN = clean_all(["日照香炉生紫烟，遥看瀑布挂前川。", "白日依山尽，黄河入海流。", "春眠不觉晓，处处闻啼鸟。"]).poems
SPLITS = [Assignment("train", 0.1), Assignment("val", 0.92), Assignment("test", 0.97)]


def added(*raws: str, shared_lines: bool = False) -> tuple[list[str], dict[str, int]]:
    corpus = addable(clean_all(raws), OWN, SPLITS, shared_lines)
    return [poem.text for poem in corpus.poems], corpus.dropped.counts


def test_poems_that_give_held_out_ones_away_are_left_out_and_counted() -> None:
    new = "一二三四五，六七八九十。"
    poems, dropped = added(
        new,
        "白日依山尽黄河入海流。",
        "更上一层楼，白日依山尽。黄河入海流，欲穷千里目。",
        "千里共婵娟，處處聞啼鳥。",
        "日照香炉生紫烟，一二三四五六七。",
        "，",
    )
    assert poems == [new, "日照香炉生紫烟，一二三四五六七。"], "a line that the train split has gives nothing away"
    assert dropped == {
        "also in the corpus they are added to": 1,
        "share a couplet with a val or test poem": 1,
        "share a line with a val or test poem": 1,
        "fewer than 5 characters": 1,
    }


def test_shared_lines_are_added_if_wanted_but_short_ones_always() -> None:
    line = "千里共婵娟，处处闻啼鸟。"
    assert added(line, shared_lines=True)[0] == [line]
    own = clean_all(["归去来，胡不归。千山万水。"]).poems
    corpus = addable(clean_all(["归去来，田园将芜。"]), own, [Assignment("test", 0.97)], shared_lines=False)
    assert len(corpus.poems) == 1
