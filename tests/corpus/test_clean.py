from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tang.corpus.clean import Cleaned, CleanPoem, clean, clean_all, clean_title, in_script, titles_in_script
from tang.text.forms import PUNCTUATION, hanzi
from tang.text.script import convert


@pytest.mark.parametrize(
    ("raw", "verse"),
    [
        ("床前明月光，疑是地上霜。", "床前明月光，疑是地上霜。"),
        ("床前（一作「窗前（或牀前）」）明月光。", "床前明月光。"),
        ("床前明月光。〖1〗。", "床前明月光。"),
        ("床前明月光。（見《詩話》卷二。", "床前明月光。"),
        ("床前[明]月光[一○]，疑是[二]霜。", "床前明月光，疑是霜。"),
        ("歌曰:床前「明月」光...《疑》是 地上霜?", "歌曰，床前明月光。疑是地上霜？"),
        ("，床前明月光、，。疑/是地上霜！", "床前明月光。疑是地上霜！"),
        ("\ufeff床前\u200b明月光", "床前明月光"),
        ("白日1依山尽，黄河入海流2。", "白日依山尽，黄河入海流。"),
        ("𣏌菊床前明月光。", "𣏌菊床前明月光。"),
    ],
)
def test_what_is_not_verse_is_removed(raw: str, verse: str) -> None:
    assert clean(raw) == Cleaned(verse)


@pytest.mark.parametrize("gap", ["□", "●", "囗", "{艹/尔}", "\ue829", "⿰", "\ud800", "シ", "ㄅ", "B", "7", "é"])
def test_a_poem_with_a_gap_is_dropped(gap: str) -> None:
    text = f"床前明{gap}光，疑是地上霜。"
    assert clean(text) == Cleaned("", "missing characters", text[:8])


def test_one_line_that_is_a_character_short_has_a_gap() -> None:
    quatrain = "白日依山，黄河入海流。欲穷千里目，更上一层楼。"
    assert clean(quatrain) == Cleaned("", "a line one character short", "白日依山，")
    for verse in (quatrain.replace("依山", "依兮"), "还源去，何须更远寻。欲求真解脱，端坐自观心。", quatrain[:11]):
        assert clean(verse).text == verse, "songs, a line of three, a couplet"


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("The woods are lovely, dark and deep.", "Latin"),
        ("ひさかたの光のどけき春の日に", "Hiragana"),
        ("1 2 3", "digits"),
    ],
)
def test_verse_in_another_script_is_dropped_as_such(text: str, script: str) -> None:
    assert clean(text).reason == f"not in Chinese characters ({script})"


def test_a_gap_in_a_note_is_no_gap() -> None:
    assert clean("床前明月光（一作□），疑是地上霜。") == Cleaned("床前明月光，疑是地上霜。")


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("，。（）〖〗[]「日月山一○，。")), max_size=60))
def test_whatever_comes_in_verse_comes_out(raw: str) -> None:
    verse, reason, _ = clean(raw)
    assert (verse == "") == (reason is not None)
    assert hanzi(verse) == "".join(character for character in verse if character not in PUNCTUATION)
    assert not any(a in PUNCTUATION and b in PUNCTUATION for a, b in pairwise(verse))
    assert verse == "" or clean(verse) == Cleaned(verse)


def test_short_poems_and_duplicates_are_counted_and_dropped() -> None:
    raws = ["牀前明月光，", "床前（一作窗前）明月光。", "日月。", "□床前明月光", "春眠不觉「晓」。", "春眠不覺曉"]
    corpus = clean_all(raws)
    assert [poem.text for poem in corpus.poems] == ["牀前明月光，", "春眠不觉晓。"]
    assert corpus.dropped.counts == {"fewer than 5 characters": 1, "missing characters": 1, "duplicate": 2}
    assert corpus.dropped.examples["missing characters"] == ["□床前明月"]
    assert corpus.removed.counts == {"notes": 1, "brackets, quotation marks, dashes": 2}
    assert corpus.removed.examples["notes"] == ["一作窗前"]


def test_conversion_goes_by_phrases_and_keeps_lengths() -> None:
    texts = ["乾坤", "乾燥後來", "", "國"]
    assert convert(texts, "simplified") == ["乾坤", "干燥后来", "", "国"]
    assert convert(["皇后后来"], "traditional") == ["皇后後來"]
    assert convert([], "simplified") == []


def test_a_traditional_corpus_is_not_converted_to_traditional_again() -> None:
    traditional, *_ = clean_all(["后土雲歸萬國來，", "漢家宮闕動高秋。"])
    assert in_script(traditional, "traditional") == ["后土雲歸萬國來，", "漢家宮闕動高秋。"]
    assert in_script(traditional, "simplified") == ["后土云归万国来，", "汉家宫阙动高秋。"]
    simplified, *_ = clean_all(["万国云归汉家来，"])
    assert in_script(simplified, "traditional") == ["萬國雲歸漢家來，"]


def test_the_key_is_the_same_whatever_script_and_marks() -> None:
    assert CleanPoem("萬國來，雲歸。", "万国来，云归。").key == CleanPoem("万国来云归", "万国来云归").key


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        ("送友人", "送友人"),
        ("奉和聖製〔龍池篇〕（一作沈佺期詩）", "奉和聖製龍池篇"),
        ("雜曲歌辭 三臺二首 其一", "雜曲歌辭三臺"),
        ("秋興八首", "秋興"),
        ("其一", ""),
        ("Untitled 12", ""),
        ("九月九日登玄武山旅眺三秋二字韻", "九月九日登玄武山旅眺三秋"),
    ],
)
def test_a_title_is_its_chinese_characters_without_notes_and_place_in_a_series(raw: str, title: str) -> None:
    assert clean_title(raw) == title


def test_a_poem_keeps_its_title_when_others_are_dropped() -> None:
    corpus = clean_all(["日月。", "春眠不覺曉。", "牀前明月光，"], ["短", "春曉（孟作）", "靜夜思"])
    assert [poem.title for poem in corpus.poems] == ["春曉", "靜夜思"]
    assert titles_in_script(corpus.poems, "simplified") == ["春晓", "静夜思"]
    assert titles_in_script(corpus.poems, "traditional") == ["春曉", "靜夜思"]
