"""Prefaces and commentary are no verse, wherever they stand."""

import json
from pathlib import Path

import pytest

from tang.text.forms import hanzi
from tang.text.reading import Reading
from tests.text.poems import COUPLETS, POEMS, QUATRAIN, SONGS, read, sung, written

PREFACES = [
    "庚申中秋，与诸友泛舟城西，夜深乃归，因作此词。",
    "余少时尝居江上，今三十年矣，旧地重来，感而赋之。",
    "次韵答友人。",
    "三月十日，山中遇雨，同行皆去，余独不归，遂成此阕。",
    "友人自东来访，留数日，与之同登北山，临别以此词赠之。",
]
WRAPPED = "丁未之秋，予客江南，夜闻笛声，\n问其人，乃故友之子也。遂与之饮于舟中，因\n作此词以记之。"


def songs(pattern: str, between: str = "\n\n") -> str:
    """All songs as ``pattern`` has them: tune, preface, the two halves."""
    texts = []
    for number, (tune, lines) in enumerate(SONGS):
        song = sung(lines)
        half = song.index("。") + 1
        texts.append(pattern.format(tune, PREFACES[number % 5], song[:half], song[half:]))
    return between.join(texts)


def check_songs(reading: Reading, prefaces: int) -> None:
    assert [hanzi(poem.text) for poem in reading.poems] == ["".join(lines) for _, lines in SONGS]
    assert all(poem.title.startswith(tune) for poem, (tune, _) in zip(reading.poems, SONGS, strict=True))
    assert reading.left_out.counts.get("prefaces", 0) == prefaces


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (songs("{0}\n{1}\n{2}\n{3}"), 1),
        (songs("{0}\n某人\n\n{1}\n\n{2}\n\n{3}"), 1),
        (songs("{0}\n{1}\n{2}{3}", "\n"), 1),
        (songs("{0}\n序：春日之作。\n{2}\n{3}"), 1),
        (songs("{0}\n（并序）\n{1}\n\n{2}\n{3}"), 2),
        (songs("{0}\n" + WRAPPED + "\n\n{2}\n{3}"), 3),
    ],
)
def test_a_preface_below_a_title(tmp_path: Path, text: str, lines: int) -> None:
    reading = read(tmp_path, "词.txt", text)
    check_songs(reading, lines * len(SONGS))
    assert reading.left_out.counts["titles"] == len(SONGS)


def test_a_preface_after_the_tune_is_part_of_the_title(tmp_path: Path) -> None:
    check_songs(read(tmp_path, "词.txt", songs("{0}·{1}\n{2}\n{3}")), 0)


def test_a_label_announces_a_preface_whatever_its_words(tmp_path: Path) -> None:
    text = songs("{0}\n\n序\n东风已来，花开满山。\n\n{2}\n{3}")
    check_songs(read(tmp_path, "词.txt", text), 2 * len(SONGS))


def test_first_lines_like_those_below_are_verse(tmp_path: Path) -> None:
    first = "余予因乃此，于与者也之。"
    text = "\n\n".join(f"{poem[0]}\n{first}\n{COUPLETS.format(*poem)}" for poem in POEMS)
    assert {poem.text[:12] for poem in read(tmp_path, "诗.txt", text).poems} == {first}


def paragraphs(number: int, has_preface: bool) -> dict[str, object]:
    tune, lines = SONGS[number]
    return {"title": tune, "paragraphs": [*([PREFACES[number % 5]] if has_preface else []), sung(lines)]}


def test_in_json_what_looks_like_prefaces_is_verse_where_it_is_rare(tmp_path: Path) -> None:
    with_prefaces = json.dumps([paragraphs(number, True) for number in range(60)])
    check_songs(read(tmp_path, "a.json", with_prefaces), 60)
    once = [paragraphs(number % 60, number == 0) for number in range(200)]
    reading = read(tmp_path, "b.json", json.dumps(once))
    assert reading.poems[0].text.startswith(PREFACES[0])
    assert not reading.left_out.counts


NOTE, TRANSLATION = "青：年少的时候。", "太阳慢慢地落到了山的后面，我们的河流向大海，再也不回来。"
PARAGRAPHS = "全诗情景相生，语言自然，意味深长。\n\n写景的句子不多，却字字有情。"


@pytest.mark.parametrize(
    ("commentary", "lines"),
    [
        ("注：" + NOTE, 1),
        ("注释：\n" + NOTE + "\n白：日光。", 3),
        ("【注】青，指年少。白，指年老。", 1),
        ("［注释］\n" + NOTE, 2),
        ("註釋\n\n" + NOTE, 2),
        ("一、注释\n" + NOTE + "\n\n二、译文\n" + TRANSLATION, 4),
        ("**译文**\n\n" + TRANSLATION, 2),
        ("## 赏析\n\n" + PARAGRAPHS, 3),
        ("【注释及译文】" + NOTE + "\n" + TRANSLATION, 2),
        ("写作背景：此诗作于长安。", 1),
        ("评：语浅，情深。", 1),
        ("[1]青：年少。\n[2]白：日光。", 2),
        ("1. 青：年少。\n2. 白：日光。", 2),
        ("“青”一作“清”。", 1),
        ("某人，字太初，江南人，有诗集。", 1),
        ("某人（701－762），字太初，江南人。", 1),
        ("此诗写春夜之情，语浅，意深。", 1),
    ],
)
def test_commentary_below_a_poem(tmp_path: Path, commentary: str, lines: int) -> None:
    reading = read(tmp_path, "诗.md", written("{0}\n李白\n" + COUPLETS + "\n\n" + commentary, "\n\n"))
    assert [poem.text for poem in reading.poems] == [QUATRAIN.format(*poem) for poem in POEMS]
    assert reading.left_out.counts == {"prose": 120 * lines, "titles": 120}


@pytest.mark.parametrize(
    ("pattern", "between"),
    [
        ("{0}\n题解：春夜之作，语浅情深。\n" + COUPLETS, "\n\n"),
        ("{0}\n\n题解：春夜之作，语浅情深。\n\n" + COUPLETS, "\n\n"),
        (COUPLETS + "\n\n注：" + NOTE, "\n\n"),
        (COUPLETS + "\n\n【译文】\n\n" + TRANSLATION, "\n\n"),
        (QUATRAIN + "\n译文：" + TRANSLATION, "\n"),
        ("{0}\n" + QUATRAIN + "\n注：" + NOTE, "\n"),
        ("{0}\n{1}\n{2}\n{3}\n{4}\n\n注释\n" + NOTE, "\n\n"),
    ],
)
def test_commentary_takes_no_poem_with_it(tmp_path: Path, pattern: str, between: str) -> None:
    reading = read(tmp_path, "诗.txt", written(pattern, between))
    assert [poem.text for poem in reading.poems] == [QUATRAIN.format(*poem) for poem in POEMS]


def test_songs_without_titles_stay_after_the_one_with_an_appreciation(tmp_path: Path) -> None:
    first, *others = (sung(lines) for _, lines in SONGS)
    text = "\n\n".join([first, "赏析", "语言自然，情景相生，意味深长。", *others])
    assert [poem.text for poem in read(tmp_path, "词.txt", text).poems] == [first, *others]


def test_notes_in_a_text_of_json(tmp_path: Path) -> None:
    records = [{"title": poem[0], "content": f"{COUPLETS.format(*poem)}\n\n注释：\n{NOTE}"} for poem in POEMS]
    reading = read(tmp_path, "诗.json", json.dumps(records))
    assert [poem.text for poem in reading.poems] == [QUATRAIN.format(*poem) for poem in POEMS]
    assert reading.left_out.counts == {"prose": 240}


def test_long_lines_of_modern_verse_are_verse(tmp_path: Path) -> None:
    stanza = "那条小路在梦里寻找一颗没有名字的星，\n我的影子等着，\n风的歌。"
    text = "\n\n".join(f"# 小路{character}\n\n{stanza}" for character in "日月山水")
    reading = read(tmp_path, "诗.md", text)
    assert [poem.text for poem in reading.poems] == [stanza.replace("\n", "")] * 4


@pytest.mark.parametrize("title", ["诗意", "题解", "背景", "意译", "按语"])
def test_a_title_that_may_announce_commentary_keeps_its_poem_and_those_below(tmp_path: Path, title: str) -> None:
    lines = written("{0}：" + QUATRAIN).split("\n")
    lines[20] = f"{title}：" + lines[20].partition("：")[2]
    reading = read(tmp_path, "诗.txt", "\n".join(lines))
    assert len(reading.poems) == len(lines)
    assert reading.poems[20].title == title
