"""Titles and poets: after the verse, and above verse without marks."""

import itertools
import json
import random
from pathlib import Path

import pytest

from tang.text.forms import hanzi
from tests.text.poems import COUPLETS, POEMS, QUATRAIN, SONGS, read, written


@pytest.mark.parametrize(
    ("after", "has_title"),
    [
        ("——李白", False),
        ("——李白《{0}》", True),
        (" ——（唐）李白《{0}》", True),
        ("——唐·李白《{0}》", True),
        ("——〔唐〕李白", False),
        ("──《{0}》李白", True),
        ("--李白", False),
        ("《{0}》李白", True),
        ("李白《{0}》", True),
        ("（李白《{0}》）", True),
        ("【唐】李白", False),
        (" 李白", False),
        (" - 李白", False),
        (" 作者：李白", False),
    ],
)
@pytest.mark.parametrize(("pattern", "between"), [(QUATRAIN, "\n"), (COUPLETS, "\n\n")])
def test_the_poet_after_the_verse(tmp_path: Path, after: str, has_title: bool, pattern: str, between: str) -> None:
    reading = read(tmp_path, "诗.txt", written(pattern + after, between))
    assert [poem.text for poem in reading.poems] == [QUATRAIN.format(*poem) for poem in POEMS]
    assert all((poem[0] in found.title) == has_title for found, poem in zip(reading.poems, POEMS, strict=True))
    assert reading.left_out.counts["lines after a poem"] == 120


@pytest.mark.parametrize(
    ("pattern", "between", "counted"),
    [
        (COUPLETS + "\n——李白《{0}》", "\n\n", 120),
        (COUPLETS + "\n\n——李白", "\n\n", 120),
        (COUPLETS + "\n——李白", "\n", 120),
        ("{1} {2} {3} {4} ——李白", "\n", 120),
    ],
)
def test_the_poet_in_other_places(tmp_path: Path, pattern: str, between: str, counted: int) -> None:
    reading = read(tmp_path, "诗.txt", written(pattern, between))
    assert [poem.text for poem in reading.poems] == [QUATRAIN.format(*poem) for poem in POEMS]
    assert reading.left_out.counts["lines after a poem"] == counted


def test_the_poet_after_the_verse_in_json(tmp_path: Path) -> None:
    strings = [QUATRAIN.format(*poem) + f"——李白《{poem[0]}》" for poem in POEMS]
    reading = read(tmp_path, "诗.json", json.dumps(strings))
    assert [poem.title for poem in reading.poems] == [f"李白《{poem[0]}》" for poem in POEMS]
    assert [poem.text for poem in reading.poems] == [QUATRAIN.format(*poem) for poem in POEMS]


def modern_line(rng: random.Random) -> str:
    subjects, verbs = ["我", "风", "黄昏", "一只白鸟", "远方的灯火"], ["走过", "想起", "忘记了", "轻轻地吻着"]
    return rng.choice(subjects) + rng.choice(verbs) + rng.choice(["昨天的雨", "一扇窗", "没有名字的星", "河流", "你"])


RANDOM = random.Random(1)
MODERN = [
    (f"{one}{two}之歌", ["北河", "海生", "小林"][number % 3], *([modern_line(RANDOM) for _ in "1234"] for _ in "12"))
    for number, (one, two) in enumerate(itertools.combinations("日月山水风花", 2))
]


def modern(pattern: str, between: str = "\n\n") -> str:
    """Modern poems as ``pattern`` has them: title, poet, and the two stanzas."""
    return between.join(pattern.format(title, poet, "\n".join(one), "\n".join(two)) for title, poet, one, two in MODERN)


@pytest.mark.parametrize(
    "text",
    [
        modern("{0}\n\n{2}\n\n{3}"),
        modern("{0}\n{1}\n\n{2}\n\n{3}"),
        modern("{0}\n\n{1}\n\n{2}\n\n{3}"),
        modern("{0}\n{2}\n{3}"),
        modern("{0}\n{1}\n{2}\n{3}"),
        modern("# {0}\n{2}\n\n{3}"),
        modern("《{0}》{1}\n{2}\n\n{3}"),
        modern("标题：{0}\n作者：{1}\n\n{2}\n\n{3}"),
        modern("{0}，春暖花开\n\n{2}\n\n{3}"),
        modern("{0}\n\n{2}\n\n{3}", "\n\n\n"),
        modern("{0}\n\n{2}。\n\n{3}。"),
        "\n\n".join(f"{number}. {part}" for number, part in enumerate(modern("{0}\n{2}\n\n{3}", "\0").split("\0"), 1)),
    ],
)
def test_titles_above_verse_without_marks(tmp_path: Path, text: str) -> None:
    reading = read(tmp_path, "诗.txt", text)
    assert [hanzi(poem.text) for poem in reading.poems] == ["".join([*one, *two]) for _, _, one, two in MODERN]
    assert [poem.title.strip("《》")[:4] for poem in reading.poems] == [title for title, *_ in MODERN]


@pytest.mark.parametrize("pattern", ["{0}\n{1}", "{0}\n某人\n{1}", "{0}（春夜）\n{1}", "{0}·春夜\n{1}", "{0}\n{2}"])
def test_tunes_above_songs_without_marks(tmp_path: Path, pattern: str) -> None:
    text = "\n\n".join(pattern.format(tune, "\n".join(lines), " ".join(lines)) for tune, lines in SONGS)
    reading = read(tmp_path, "词.txt", text)
    assert [hanzi(poem.text) for poem in reading.poems] == ["".join(lines) for _, lines in SONGS]
    assert [poem.title[: len(tune)] for poem, (tune, _) in zip(reading.poems, SONGS, strict=True)] == [
        tune for tune, _ in SONGS
    ]


def test_one_song_without_marks_keeps_its_first_line(tmp_path: Path) -> None:
    (poem,) = read(tmp_path, "词.txt", "江南好\n风景旧曾谙\n日出江花红胜火\n春来江水绿如蓝\n能不忆江南").poems
    assert poem.text.startswith("江南好")
    assert poem.title == ""


@pytest.mark.parametrize("pattern", ["{0}二首\n李白\n\n其一\n{1}\n\n其二\n{2}", "{0}二首\n\n一\n{1}\n\n二\n{2}"])
def test_poems_of_a_group_have_its_title(tmp_path: Path, pattern: str) -> None:
    pairs = zip(POEMS[::2], POEMS[1::2], strict=True)
    text = "\n\n".join(pattern.format(one[0], QUATRAIN.format(*one), QUATRAIN.format(*two)) for one, two in pairs)
    titles = [poem.title for poem in read(tmp_path, "诗.txt", text).poems]
    assert all(title.startswith(f"{POEMS[number // 2 * 2][0]}二首 ") for number, title in enumerate(titles))
    assert [title[-1] for title in titles] == ["一", "二"] * 60


def test_two_blank_lines_part_poems_in_stanzas(tmp_path: Path) -> None:
    reading = read(tmp_path, "诗.txt", modern("{2}\n\n{3}", "\n\n\n"))
    assert str(reading) == "15 poems in stanzas, with more than one blank line between the poems"
