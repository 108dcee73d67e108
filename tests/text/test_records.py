"""Poems under keys of any name."""

import json
from pathlib import Path

import pytest

from tests.text.poems import COUPLETS, POEMS, QUATRAIN, SONGS, read, sung, written

TEXTS = [QUATRAIN.format(*poem) for poem in POEMS]
FOURS = range(0, len(POEMS), 4)


@pytest.mark.parametrize(
    ("value", "way"),
    [
        ([{"name": "李白", "dynasty": "唐", "id": 1, "poems": TEXTS[i : i + 4]} for i in FOURS], "poems"),
        ({"name": "全集", "poems": TEXTS, "count": 120, "tags": ["唐诗", "选集"]}, "poems"),
        ([{"作者": "李白", "简介": "诗人，字某。", "作品": TEXTS[i : i + 4]} for i in FOURS], "作品"),
        ({"author": "李白", "list": [COUPLETS.format(*poem) for poem in POEMS]}, "list"),
        ([{"name": "李白", "id": 1, "list": [list(poem[1:]) for poem in POEMS[i : i + 4]]} for i in FOURS], "strings"),
        ([{"title": poem[0], "marks": ["平仄"], "juzi": poem[1:]} for poem in POEMS], "juzi"),
        ([{"title": poem[0], "zhengwen": QUATRAIN.format(*poem)} for poem in POEMS], "zhengwen"),
        ([[poem[0], "李白", QUATRAIN.format(*poem)] for poem in POEMS], "strings"),
        ([{"prompt": "写一首诗，写春夜。", "response": text} for text in TEXTS], "response"),
        (
            [[{"from": "human", "value": "写一首诗，写春夜。"}, {"from": "gpt", "value": text}] for text in TEXTS],
            "value",
        ),
        ([{"title": "春", "content": "<p>{1}，{2}。</p><p>{3}，{4}。</p>".format(*poem)} for poem in POEMS], "content"),
    ],
)
def test_poems_in_json(tmp_path: Path, value: object, way: str) -> None:
    reading = read(tmp_path, "诗.json", json.dumps(value))
    assert [poem.text for poem in reading.poems] == TEXTS
    assert f"in JSON ({way})" in str(reading)


def test_lists_of_songs(tmp_path: Path) -> None:
    songs = [sung(lines) for _, lines in SONGS]
    reading = read(tmp_path, "词.json", json.dumps({"name": "某人", "works": songs, "tags": ["词", "宋"]}))
    assert [poem.text for poem in reading.poems] == songs


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "诗.tsv",
            "\n".join(f"{number}\t" + f"{p[0]}\t李白\t" + QUATRAIN.format(*p) for number, p in enumerate(POEMS)),
        ),
        ("诗.txt", "标题,作者,内容\n" + written("{0},李白," + QUATRAIN)),
        ("诗.md", "| 题目 | 诗 |\n|---|---|\n" + written("| {0} | " + QUATRAIN + " |")),
        ("诗.csv", "题目,内容\n" + written('{0},"' + COUPLETS + '\n——李白"')),
    ],
)
def test_tables_of_other_kinds(tmp_path: Path, name: str, text: str) -> None:
    reading = read(tmp_path, name, text)
    assert [tuple(poem) for poem in reading.poems] == [(text, poem[0]) for text, poem in zip(TEXTS, POEMS, strict=True)]
