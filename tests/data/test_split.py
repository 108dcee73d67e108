import random
from collections import Counter

from tang.corpus.clean import CleanPoem
from tang.data.split import split_poems
from tests.conftest import verse, verses


def poems(texts: list[str]) -> list[CleanPoem]:
    return [CleanPoem(text, text) for text in texts]


def test_shares_are_near_90_5_5() -> None:
    # Over 12 characters a line, random poems share no couplet.
    splits = Counter(place.split for place in split_poems(poems([verse(seed, 12, 2) for seed in range(4000)])))
    assert abs(splits["train"] / 4000 - 0.9) < 0.02
    assert abs(splits["val"] / 4000 - 0.05) < 0.015
    assert abs(splits["test"] / 4000 - 0.05) < 0.015


def test_a_place_depends_on_the_poem_alone() -> None:
    texts = verses(200)
    shuffled = random.Random(1).sample(texts, len(texts))
    assert dict(zip(texts, split_poems(poems(texts)), strict=True)) == dict(
        zip(shuffled, split_poems(poems(shuffled)), strict=True)
    )


def test_script_and_marks_do_not_move_a_poem() -> None:
    printed = CleanPoem("國破山河在。", "国破山河在。"), CleanPoem("国破，山河在", "国破，山河在")
    (a,), (b,) = (split_poems([poem]) for poem in printed)
    assert a == b


def test_poems_that_share_a_couplet_stay_together() -> None:
    texts = [verse(seed, 12, 4) for seed in range(600)]
    # A chain: each poem of ten begins with the couplet that ends the one before it.
    for number in range(len(texts)):
        if number % 10:
            texts[number] = texts[number - 1][26:] + texts[number][26:]
    places = split_poems(poems(texts))
    alone = split_poems(poems([verse(seed, 12, 4) for seed in range(600)]))
    assert len({place.split for place in alone[:10]} | {place.split for place in alone[10:20]}) > 1
    for start in range(0, len(texts), 10):
        group = places[start : start + 10]
        assert len({place.split for place in group}) == 1
        smallest = min(place.rank for place in group)
        assert group[0].split == ("train" if smallest < 0.9 else "val" if smallest < 0.95 else "test")
