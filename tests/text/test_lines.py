"""Lines that stand between those of verse, numbers at the margin, texts written vertically."""

from pathlib import Path

import pytest

from tests.text.poems import COUPLETS, POEMS, QUATRAIN, read, written

VERTICAL = "\n\n".join("\n".join(poem[0]) + "\n\n" + "\n".join(QUATRAIN.format(*poem)) for poem in POEMS)


@pytest.mark.parametrize(
    ("text", "others"),
    [
        (written("{0}\n{1}，{2}。\n平平仄仄平，仄仄仄平平。\n{3}，{4}。\n中平平仄仄，仄仄仄平平。", "\n\n"), 240),
        (written("{0}\n{1}\n平平仄仄平\n{2}\n仄仄仄平平\n{3}\n中平平仄仄\n{4}\n仄仄仄平平", "\n\n"), 480),
        (written("{0}\n{1}，{2}。\n○○●●○，⊙●●○○。\n{3}，{4}。", "\n\n"), 120),
        (written("{0}\nchuang2 qian2 ming2\n{1}，{2}。\n{3}，{4}。", "\n\n"), 120),
        (written("{0}\n{1}，{2}。  5\n{3}，{4}。  10", "\n\n"), 0),
        (written("### {0}\n**{1}，{2}。**\n**{3}，{4}。**", "\n\n"), 0),
        (written("<h3>{0}</h3><p>{1}，{2}。<br>{3}，{4}。</p>"), 0),
        (written("{0}（注一，\n又注。）\n{1}，{2}（一作某（集作\n某））。\n{3}，{4}。", "\n\n"), 0),
        (VERTICAL, 0),
    ],
)
def test_what_stands_with_the_verse(tmp_path: Path, text: str, others: int) -> None:
    reading = read(tmp_path, "诗.txt", text)
    bare = [poem.text.replace("（一作某（集作某））", "") for poem in reading.poems]
    assert bare == [QUATRAIN.format(*poem) for poem in POEMS]
    assert all(found.title.startswith(poem[0]) for found, poem in zip(reading.poems, POEMS, strict=True))
    assert reading.left_out.counts.get("other lines", 0) == others


def test_a_line_of_gaps_alone_stays(tmp_path: Path) -> None:
    text = written("{0}\n" + COUPLETS + "\n□□□□□，□□□□□。", "\n\n")
    assert all("□" in poem.text for poem in read(tmp_path, "诗.txt", text).poems)


def test_pinyin_in_brackets_is_a_note(tmp_path: Path) -> None:
    text = written(QUATRAIN).replace("，", "(chuáng qián míng yuè guāng)，")
    assert len(read(tmp_path, "诗.txt", text).poems) == 120
