"""Poems are found in files as people have them, and what stands there beside them is counted."""

from collections import Counter
from pathlib import Path

import pytest

from tang.corpus.clean import clean_all
from tang.errors import InputError
from tang.text.forms import form_of, hanzi
from tang.text.reading import read_poems
from tests.conftest import CHARACTERS
from tests.text.poems import COUPLETS, POEMS, QUATRAIN, listed, read, written

ARTICLE = "<article><p>{1}，{2}。<br>{3}，{4}。</p><footer>五言绝句</footer></article>"
PARAGRAPHS = ["<1>，<2>。", "<3>，<4>。"]


@pytest.mark.parametrize(
    ("text", "way"),
    [
        (written(QUATRAIN), "one a line"),
        (written("{1}, {2}. {3}, {4}."), "one a line"),
        (written("1. " + QUATRAIN), "one a line"),
        (written("{1} {2} {3} {4}"), "one a line"),
        (written("{1}　{2}　{3}　{4}"), "one a line"),
        (written("{1}|{2}|{3}|{4}"), "one a line"),
        (written("{1}\t{2}\t{3}\t{4}"), "one a line"),
        (written("{1}{2}{3}{4}"), "one a line"),
        (written("{1} {2}。{3} {4}。"), "one a line"),
        (written("{1}&nbsp;，{2}&#x3002;{3}，{4}&#12290;"), "one a line"),
        (written("{0}:" + QUATRAIN), "one a line, with titles"),
        (written("{0}：李白：" + QUATRAIN), "one a line, with titles"),
        (written("{0} 李白 " + QUATRAIN), "one a line, with titles"),
        (written("《{0}》" + QUATRAIN), "one a line, with titles"),
        (written("{0}\t李白\t" + QUATRAIN), "one a line, with titles"),
        (written("{0}|李白|{1}|{2}|{3}|{4}"), "one a line, with titles"),
        (written("诗名:{0}\n作者:李白\n诗体:五绝\n诗文:（押韵）" + QUATRAIN, "\n\n"), "one a line, with titles"),
        (written(COUPLETS, "\n\n"), "in blocks between blank lines"),
        (written("{1}，\r\n{2}。\r\n{3}，\r\n{4}。", "\r\n\r\n"), "in blocks between blank lines"),
        (written("{1}\n{2}\n{3}\n{4}", "\n\n"), "in blocks between blank lines"),
        (written("{1}\n{2}。\n{3}\n{4}。", "\n\n"), "in blocks between blank lines"),
        (written("{1}，{2}。\n\n{3}，{4}。", "\n\n\n"), "in blocks between blank lines"),
        (written(QUATRAIN.replace("。{3}", "。<br/>{3}"), "<br><br>\n"), "in blocks between blank lines"),
        (written(COUPLETS + "\n——李白", "\n\n"), "in blocks between blank lines"),
        (written("> {1}，{2}。  \n> {3}，{4}。\n>\n> *五言绝句*", "\n\n"), "in blocks between blank lines"),
        (written("{0}\n" + COUPLETS, "\n\n"), "in blocks between blank lines, with titles"),
        (written("{0}\n李白\n" + COUPLETS), "in blocks between blank lines, with titles"),
        (written("{0}\n{1}\n{2}\n{3}\n{4}", "\n\n"), "in blocks between blank lines, with titles"),
        (written("{0}\n李白\n{1}\n{2}\n{3}\n{4}"), "in blocks between blank lines, with titles"),
        (written("{0}\n\n{1}，{2}。\n\n{3}，{4}。", "\n\n"), "under titles"),
        (
            written("{0}\n{1}①，{2}。\n{3}，{4}②。\n①注一。\n②注二。", "\n\n"),
            "in blocks between blank lines, with titles",
        ),
        (written("{0}\nbái rì yī shān jìn\n{1}，{2}。\nhuáng hé rù\n{3}，{4}。", "\n\n"), "in blocks between"),
        (written("Ｎｏ．7 " + QUATRAIN), "one a line"),
        (written("{0}\t{1} {2} {3} {4}"), "one a line, with titles"),
        (written("{0}：{1}/{2}/{3}/{4}"), "one a line, with titles"),
        (written(QUATRAIN[:-1]), "one a line"),
        (written("{0}\n" + COUPLETS + "\n注：青春也。\n1. 白日：白天的日。", "\n\n"), "in blocks between"),
        (written("{0}\n" + COUPLETS + "\n来源：https://example.org/1", "\n\n"), "in blocks between"),
        ("{" + written('"{0}{1}": ["{1}", "{2}", "{3}", "{4}"]', ",") + "}", "in JSON (strings), with titles"),
        (listed({"text": "<0>\n<1>，<2>。\n<3>，<4>。"}), "in JSON (text), with titles"),
        (listed({"content": "<1>，<2>。<br><3>，<4>。"}), "in JSON (content)"),
        (listed({"title": "<0>", "paragraphs": PARAGRAPHS}), "in JSON (paragraphs), with titles"),
        (listed({"title": "<0>", "paragraphs": ["<1>", "<2>", "<3>", "<4>"]}), "in JSON (paragraphs), with titles"),
        (listed({"title": "<0>", "chapter": "国风", "content": PARAGRAPHS}), "in JSON (content), with titles"),
        (listed({"title": "<0>", "para": PARAGRAPHS}), "in JSON (para), with titles"),
        (listed({"form": "五言绝句", "lines": ["<1>"], "text": "<1>，<2>。\n<3>，<4>。"}), "in JSON (text)"),
        (listed({"type": "五绝", "content": [{"title": "<0>", "paragraphs": PARAGRAPHS}]}), "in JSON (paragraphs)"),
        (listed("<1>，<2>。<3>，<4>。"), "in JSON (strings)"),
        (listed(["<1>", "<2>", "<3>", "<4>"]), "in JSON (strings)"),
        (
            listed({"author": "某", "content": "<1>|<2>|<3>|<4>"})[1:-1].replace("},{", "}\n{"),
            "in JSON lines (content)",
        ),
        (
            listed({"poem": "<1>|<2>|<3>|<4>", "mood": {"all": "1"}})[1:-1].replace("},{", "}\n{"),
            "in JSON lines (poem)",
        ),
    ],
)
def test_poems_are_found_however_they_stand(tmp_path: Path, text: str, way: str) -> None:
    reading = read(tmp_path, "诗.txt", text)
    poems = clean_all(poem.text for poem in reading.poems).poems
    assert [poem.text for poem in poems] == [QUATRAIN.format(*poem) for poem in POEMS]
    assert str(reading).startswith(f"120 poems {way}")
    if way.endswith("titles"):
        found = [poem.title for poem in reading.poems]
        assert all(title.strip("《》").startswith(poem[0]) for title, poem in zip(found, POEMS, strict=True))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("诗.csv", "title,author,content\n" + written('{0},李白,"' + QUATRAIN + '"')),
        ("诗.csv", written("{0},李白," + QUATRAIN)),
        ("诗.csv", "诗名;作者;内容\n" + written("{0};李白;" + QUATRAIN)),
        ("诗.csv", "题目,第一句,第二句,第三句,第四句\n" + written("{0},{1},{2},{3},{4}")),
        ("诗.csv", "诗名,诗,译文\n" + written("{0}," + QUATRAIN + ",夕阳依傍着西山慢慢地沉没滔滔黄河朝着东海汹涌奔流")),
        ("诗.tsv", "题目\t诗文\n" + written("{0}\t{1} {2} {3} {4}")),
        ("诗.html", f"<html><head><style>p {{}}</style></head><body>{written(ARTICLE)}</body></html>"),
    ],
)
def test_tables_and_pages(tmp_path: Path, name: str, text: str) -> None:
    poems = clean_all(poem.text for poem in read(tmp_path, name, text).poems).poems
    assert [poem.text for poem in poems] == [QUATRAIN.format(*poem) for poem in POEMS]


def test_an_electronic_book_is_told_apart(tmp_path: Path) -> None:
    preface = "　　本书收录了唐代诗人的作品一百二十首，按照体裁分卷，供读者阅读。唐代是中国古典诗歌发展的全盛时期。"
    contents = "\n".join(f"{number}. {poem[0]}" for number, poem in enumerate(POEMS, 1))
    poems = written("{0}\n\n李白\n\n　　{1}，{2}。\n　　{3}，{4}。\n\n【注释】\n①青：春。②白：秋。", "\n\n")
    text = f"唐诗选\n\n前言\n\n{preface}\n\n目录\n\n{contents}\n\n第一卷\n\n{poems}"
    reading = read(tmp_path, "唐诗选.txt", text)
    forms = Counter(str(form_of(poem.text)) for poem in clean_all(p.text for p in reading.poems).poems)
    assert forms == {"五言绝句": 120}
    assert reading.left_out.counts == {"titles": 120, "headings": 124, "prose": 241}
    assert reading.left_out.examples["prose"][0] == "本书收录了唐代诗人…"
    assert reading.poems[0].title == "静夜思 李白"


def test_lyrics_in_two_stanzas_stay_whole(tmp_path: Path) -> None:
    first, second = "常记溪亭日暮，沉醉不知归路。", "兴尽晚回舟，误入藕花深处。争渡，争渡，惊起一滩鸥鹭。"
    for between in ("\n", "\n\n"):
        poems = [f"如梦令\n{first}{between}{character}{second[1:]}" for character in CHARACTERS]
        reading = read(tmp_path, "词.txt", "\n\n".join(poems))
        assert [poem.text for poem in reading.poems] == [f"{first}{c}{second[1:]}" for c in CHARACTERS]


@pytest.mark.parametrize(
    ("text", "poems"),
    [
        (written(QUATRAIN).split("\n")[0], 1),
        (written("{1}，\n{2}。\n{3}，\n{4}。\n", "\n").split("\n\n")[0], 1),
        ("\n".join(written(QUATRAIN).split("\n")[:2]), 2),
    ],
)
def test_a_file_of_a_poem_or_two(tmp_path: Path, text: str, poems: int) -> None:
    reading = read(tmp_path, "诗.txt", text)
    assert [str(form_of(poem.text)) for poem in reading.poems] == ["五言绝句"] * poems


def test_where_two_readings_are_equally_likely_the_key_decides(tmp_path: Path) -> None:
    text = "\n\n".join("\n".join(QUATRAIN.format(*poem) for poem in POEMS[i : i + 2]) for i in range(0, 120, 2))
    with pytest.raises(
        InputError, match=r"诗\.txt: are its poems one a line, or in blocks .* data\.layout=line or block"
    ):
        read(tmp_path, "诗.txt", text)
    counts = [len(read_poems([tmp_path / "诗.txt"], layout).poems) for layout in ("line", "block")]
    assert counts == [120, 60]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "The woods are lovely, dark and deep.\n" * 9, "not in Chinese characters (Latin)"),
        ("a.txt", "ひさかたの光のどけき春の日に\n" * 9, "not in Chinese characters (Hiragana)"),
        (
            "a.txt",
            "本书收录了唐代诗人的作品一百二十首以供读者阅读。\n",
            "no poems in it: give one a line, or blank lines",
        ),
        ("a.txt", written("{1}，\n{2}。\n{3}，\n{4}。"), "can't tell where a poem ends; give data.layout=line"),
        (
            "a.json",
            '[{"name": "李白", "desc": "诗人。"}]',
            "no verse under a key such as paragraphs or content; its keys are: name, desc",
        ),
        ("a.txt", "长恨歌\n" + written(QUATRAIN)[:800], "is it one poem, or are its poems one a line?"),
        (
            "a.csv",
            "title,content\n静夜思,床前明月光,疑是地上霜\n",
            "row 2 has 3 columns, not 2; put its text in quotes",
        ),
        ("a.json", "7", "its keys are: none"),
    ],
)
def test_a_file_without_poems_is_refused_with_the_reason(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, name, text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\3\4 a document", "not a text file; save its text as UTF-8"),
        (b"%PDF-1.7", "not a text file; save its text as UTF-8"),
        ("白日依山尽".encode("gb18030"), "line 1, byte 1: not UTF-8; save the file as UTF-8"),
        (b"\xff\xfe\x00\xd8", "line 1, byte 3: not UTF-8"),
    ],
)
def test_a_file_in_another_encoding_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "诗.txt").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_poems([tmp_path / "诗.txt"])
    assert message in str(caught.value)


def test_notepads_unicode_is_read(tmp_path: Path) -> None:
    (tmp_path / "诗.txt").write_bytes(written(QUATRAIN).encode("utf-16"))
    assert str(read_poems([tmp_path / "诗.txt"])) == "120 poems one a line"


def test_of_several_files_those_without_poems_are_counted(tmp_path: Path) -> None:
    contents = {
        "a.txt": written(QUATRAIN),
        "b.json": listed({"paragraphs": PARAGRAPHS}),
        "authors.json": '[{"name": "李白"}]',
        "README.md": written(QUATRAIN),
        "c.txt": "",
    }
    for name, text in contents.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    reading = read_poems(sorted(tmp_path.iterdir()))
    assert str(reading) == "120 poems one a line; 120 poems in JSON (paragraphs)"
    assert reading.left_out.counts == {"files without poems": 3}
    assert reading.left_out.examples["files without poems"] == ["README.md", "authors.j…", "c.txt"]


@pytest.mark.parametrize(
    "text",
    [
        "浣溪沙 {0}曲新词酒一杯，去年天气旧亭台。夕阳西下几时回？ 无可奈何花落去，似曾相识燕归来。",
        "浣溪沙\n\n{0}曲新词酒一杯，去年天气旧亭台。夕阳西下几时回？\n\n无可奈何花落去，似曾相识燕归来。\n\n",
        "《浣溪沙》\n{0}曲新词酒一杯\n去年天气旧亭台\n夕阳西下几时回\n无可奈何花落去\n似曾相识燕归来\n",
    ],
)
def test_songs_stand_after_their_tunes(tmp_path: Path, text: str) -> None:
    reading = read(tmp_path, "词.txt", "\n".join(text.format(character) for character in CHARACTERS))
    assert [poem.title.strip("《》") for poem in reading.poems] == ["浣溪沙"] * len(CHARACTERS)
    assert [hanzi(poem.text)[:8] for poem in reading.poems] == [f"{c}曲新词酒一杯去" for c in CHARACTERS]
    assert {len(hanzi(poem.text)) for poem in reading.poems} == {35}


def test_a_heading_before_untitled_poems_joins_nothing(tmp_path: Path) -> None:
    couplets = "\n\n".join("，".join(poem[1:3]) + "。" for poem in POEMS[:3])
    reading = read(tmp_path, "联.txt", f"我的对联\n\n{couplets}")
    assert len(reading.poems) == 3


@pytest.mark.parametrize("title", ["登鹳雀楼歌", "静夜思"])
def test_a_title_as_long_as_the_lines_is_a_title(tmp_path: Path, title: str) -> None:
    (poem,) = read(tmp_path, "诗.txt", f"{title}\n{QUATRAIN.format(*POEMS[0])}").poems
    assert poem == (QUATRAIN.format(*POEMS[0]), title)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("诗.csv", "第一莫令春去也\n" + "\n".join(QUATRAIN.format(*poem) for poem in POEMS)),
        (
            "诗.csv",
            "id,五言绝句,poem\n" + "\n".join(f"{n},五言绝句,{QUATRAIN.format(*p)}" for n, p in enumerate(POEMS)),
        ),
        ("诗.json", listed({"Author": "某", "Content": ["<1>，<2>。", "<3>，<4>。"]})),
        ("诗.json", listed({"text": "<1>，<2>。\u2028<3>，<4>。"})[1:-1].replace("},{", "}\n{")),
        (
            "诗.html",
            "<html><head><title>诗</title><body>" + written(ARTICLE.replace("{1}", "<ruby>{1}<rt>chūn</rt></ruby>")),
        ),
        ("诗.html", "<html><!-- 床前明月光，疑是地上霜。 --><body>" + written(ARTICLE)),
    ],
)
def test_nothing_beside_the_poems_is_taken_for_one(tmp_path: Path, name: str, text: str) -> None:
    found = [poem.text for poem in clean_all(poem.text for poem in read(tmp_path, name, text).poems).poems]
    assert [poem for poem in found if "莫令" not in poem] == [QUATRAIN.format(*poem) for poem in POEMS]


def test_a_regulated_poem_may_stand_in_two_lines_under_its_title(tmp_path: Path) -> None:
    reading = read(tmp_path, "诗.txt", written("{0}\n" + QUATRAIN + "\n" + QUATRAIN, "\n\n"))
    assert {str(form_of(poem.text)) for poem in reading.poems} == {"五言律诗"}


def test_poems_one_a_line_under_headings_are_not_joined(tmp_path: Path) -> None:
    parts = ["\n".join(QUATRAIN.format(*poem) for poem in POEMS[first : first + 12]) for first in (0, 12)]
    reading = read(tmp_path, "诗.txt", f"卷一\n{parts[0]}\n\n卷二\n{parts[1]}")
    assert len(reading.poems) == 24
    assert reading.left_out.counts == {"headings": 2}


@pytest.mark.parametrize("line", ["十首新诗赠君看，百首新诗百意精。", "3月春风吹，2023年春来。"])
def test_a_number_in_verse_is_no_numbering(tmp_path: Path, line: str) -> None:
    (poem,) = read(tmp_path, "诗.txt", line).poems
    assert poem.text == line
