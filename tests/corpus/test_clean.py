from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tang.corpus.clean import CleanPoem, clean, clean_all, in_script
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
        ("，床前明月光、，。疑/是1地A上霜！", "床前明月光。疑是地上霜！"),
        ("\ufeff床前\u200b明月光\ud800", "床前明月光"),
        ("𣏌菊床前明月光。", "𣏌菊床前明月光。"),
    ],
)
def test_what_is_not_verse_is_removed(raw: str, verse: str) -> None:
    assert clean(raw) == (verse, None)


@pytest.mark.parametrize("gap", ["□", "●", "{艹/尔}", "\ue829", "⿰"])
def test_a_poem_with_a_gap_is_dropped(gap: str) -> None:
    assert clean(f"床前明{gap}光，疑是地上霜。") == ("", "missing characters")


def test_a_gap_in_a_note_is_no_gap() -> None:
    assert clean("床前明月光（一作□），疑是地上霜。") == ("床前明月光，疑是地上霜。", None)


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("，。（）〖〗[]「日月山一○，。")), max_size=60))
def test_whatever_comes_in_verse_comes_out(raw: str) -> None:
    verse, reason = clean(raw)
    assert (verse == "") == (reason is not None)
    assert hanzi(verse) == "".join(character for character in verse if character not in PUNCTUATION)
    assert not any(a in PUNCTUATION and b in PUNCTUATION for a, b in pairwise(verse))
    assert verse == "" or clean(verse) == (verse, None)


def test_short_poems_and_duplicates_are_counted_and_dropped() -> None:
    poems, dropped = clean_all(["牀前明月光，", "床前明月光。", "日月。", "□床前明月光", "春眠不觉晓。", "春眠不覺曉"])
    assert [poem.text for poem in poems] == ["牀前明月光，", "春眠不觉晓。"]
    assert dropped == {"fewer than 5 characters": 1, "missing characters": 1, "duplicate": 2}


def test_conversion_goes_by_phrases_and_keeps_lengths() -> None:
    texts = ["乾坤", "乾燥後來", "", "國"]
    assert convert(texts, "simplified") == ["乾坤", "干燥后来", "", "国"]
    assert convert(["皇后后来"], "traditional") == ["皇后後來"]
    assert convert([], "simplified") == []


def test_a_traditional_corpus_is_not_converted_to_traditional_again() -> None:
    traditional, _ = clean_all(["后土雲歸萬國來，", "漢家宮闕動高秋。"])
    assert in_script(traditional, "traditional") == ["后土雲歸萬國來，", "漢家宮闕動高秋。"]
    assert in_script(traditional, "simplified") == ["后土云归万国来，", "汉家宫阙动高秋。"]
    simplified, _ = clean_all(["万国云归汉家来，"])
    assert in_script(simplified, "traditional") == ["萬國雲歸漢家來，"]


def test_the_key_is_the_same_whatever_script_and_marks() -> None:
    assert CleanPoem("萬國來，雲歸。", "万国来，云归。").key == CleanPoem("万国来云归", "万国来云归").key
