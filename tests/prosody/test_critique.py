import json
from dataclasses import asdict

import pytest

from tang.errors import InputError
from tang.prosody.critique import critique
from tang.prosody.mending import Mend
from tang.prosody.meter import Break, Slip
from tang.prosody.report import as_text
from tang.text.forms import PUNCTUATION

TOWER = "白日依山尽，黄河入海流。欲穷千里目，更上一层楼。"
NIGHT = "床前明月光，疑是地上霜。举头望明月，低头思故乡。"
DAWN = "春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。"


def test_a_regulated_poem_is_regular() -> None:
    found = critique(TOWER)
    assert found.is_regular
    assert (found.form, found.script) == ("五言绝句", "simplified")
    assert [line.tones for line in found.lines] == ["仄仄平平仄", "平平仄仄平", "仄平平仄仄", "中仄仄平平"]
    assert found.loose is not None
    assert found.strict is not None
    assert found.loose.pattern == found.strict.pattern == "仄起首句不入韵"
    assert not found.loose.slips
    assert not found.breaks
    assert (found.rhyming, found.rhyme, found.off_rhyme) == ([2, 4], ["下平十一尤"], [])
    assert (found.repeated, found.reduplicated, found.unknown) == ({}, [], [])


def test_what_breaks_the_rules_is_named_with_its_place() -> None:
    found = critique(NIGHT)
    assert not found.is_regular
    assert found.loose is not None
    assert found.loose.slips == [Slip(2, 4, "上", "平"), Slip(3, 2, "头", "仄")]
    assert found.breaks == [Break("失粘", 3), Break("失对", 4)]
    assert found.repeated == {"明": [1, 3], "月": [1, 3], "头": [3, 4]}
    assert (found.rhyming, found.rhyme) == ([1, 2, 4], ["下平七阳"])


def test_a_poem_that_rhymes_in_an_oblique_tone_is_not_regular() -> None:
    found = critique(DAWN)
    assert not found.is_regular
    assert (found.rhyming, found.rhyme) == ([1, 2, 4], ["上十七筱"])
    assert found.reduplicated == ["处处"]
    assert found.repeated == {}


def test_an_end_outside_the_rhyme_is_found() -> None:
    lines = [
        "月月天天月",
        "天天月月东",
        "天天天月月",
        "月月月天风",
        "月月天天月",
        "天天月月同",
        "天天天月月",
        "月月月天冬",
    ]
    found = critique("，".join(lines))
    assert (found.rhyming, found.rhyme, found.off_rhyme) == ([2, 4, 6, 8], ["上平一东"], [8])
    assert not found.is_regular
    assert critique("，".join([*lines[:-1], "月月月天空"])).is_regular


@pytest.mark.parametrize(
    ("second", "fault"), [("月天月月流", "孤平"), ("天天月月流", None)]
)  # the pattern taken loosely leaves the first place free
def test_a_fault_that_the_loose_pattern_admits_makes_a_poem_irregular(second: str, fault: str | None) -> None:
    found = critique(f"月月天天月，{second}。天天天月月，月月月天楼。")
    assert found.loose is not None
    assert found.loose.slips == []
    assert found.lines[1].faults == ([fault] if fault else [])
    assert found.is_regular is (fault is None)


def test_lines_of_unequal_length_have_no_form_but_tones_and_rhymes() -> None:
    found = critique("月落乌啼霜满天，江枫渔火对愁。姑苏城外寒山寺，夜半钟声到客船。")
    assert (found.form, found.unequal) == (None, [2])
    assert found.strict is found.loose is None
    assert found.breaks == []
    assert found.lines[3].groups == ["下平一先"]
    assert (found.rhyme, found.is_regular) == ([], False)


def test_any_form_rhymes_in_its_even_lines() -> None:
    found = critique("关关雎鸠，在河之洲。窈窕淑女，君子好逑。")
    assert (found.form, found.rhyming, found.rhyme) == ("4×4", [1, 2, 4], ["下平十一尤"])
    assert found.loose is None
    assert critique("春眠不觉晓，处处闻啼鸟").rhyme == ["上十七筱"], "of two lines both must rhyme"
    assert critique("月").rhyme == []


@pytest.mark.parametrize(
    "text",
    [
        NIGHT,
        "".join(character for character in NIGHT if character not in PUNCTUATION),
        NIGHT.replace("，", "\n").replace("。", "\n\n"),
        "床前明月光,疑是地上霜. “举头望明月”， 低头 思故乡！",
    ],
)
def test_lines_end_at_marks_and_line_breaks_or_by_the_form(text: str) -> None:
    assert [line.text for line in critique(text).lines] == ["床前明月光", "疑是地上霜", "举头望明月", "低头思故乡"]


def test_marks_that_are_missing_are_put() -> None:
    assert (
        critique("床前明月光\n疑是地上霜？\n举头望明月\n低头思故乡").verse
        == "床前明月光，疑是地上霜？举头望明月，低头思故乡。"
    )


def test_the_script_is_found_or_given() -> None:
    assert critique("舉頭望明月").script == "traditional"
    assert critique("明月").script == "simplified"
    end = critique("万里，星斗").lines[1]
    assert end.groups == ["上二十五有", "去二十六宥"]
    assert critique("万里，星斗", "traditional").lines[1].groups == ["上二十五有"]


def test_characters_without_reading_are_unknown_and_decide_nothing() -> None:
    found = critique(TOWER.replace("河", "𠮷"))
    assert found.unknown == ["𠮷"]
    assert found.lines[1].tones == "平？仄仄平"
    assert found.is_regular


@pytest.mark.parametrize("text", ["", " \n", "，。", "hello 😀"])
def test_a_text_without_chinese_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no Chinese characters"):
        critique(text)


def test_the_report_says_it_all_and_the_data_is_plain() -> None:
    report = as_text(critique(NIGHT))
    assert report == "\n".join(
        [
            "五言绝句 (simplified script), not regular: slips",
            "nearest pattern 平起首句入韵: 2 slips by the loose pattern, 3 slips by the strict one",
            "",
            "     句　　　　  平仄　　　  谱　　　　  remarks",
            "  1  床前明月光  平平平仄平  中平中仄平  韵 下平七阳; strictly 明 should be 仄",
            "  2  疑是地上霜  平仄仄仄平  中仄中平平  韵 下平七阳; 上 should be 平",
            "  3  举头望明月  仄平中平仄  中仄中平仄  头 should be 仄; 失粘",
            "  4  低头思故乡  平平中仄中  中平中仄平  韵 下平七阳，去二十三漾; 失对",
            "",
            "rhyme: lines 1, 2, 4 in 下平七阳",
            "repeated: 明 in 1, 3; 月 in 1, 3; 头 in 3, 4",
            "to mend: line 2, character 4: 上 → 平",
            "         line 3, character 2: 头 → 仄",
        ]
    )
    assert json.loads(json.dumps(asdict(critique(NIGHT))))["breaks"][0] == {"kind": "失粘", "line": 3}
    assert "line 2 has 3" in as_text(critique("天天天天，天天天，天天天天"))
    assert "not in the 平水韵: 𠮷" in as_text(critique("𠮷日"))


def test_a_line_off_the_rhyme_is_not_listed_as_rhyming() -> None:
    poem = "红豆生南国，春来发几枝。愿君多采撷，此物最相思。红豆生南国，春来发几枝。愿君多采撷，此物最相同。"
    report = as_text(critique(poem))
    assert "rhyme: lines 2, 4, 6 in 上平四支\n出韵: line 8\n" in report
    assert "to mend: line 8, character 5: 同 → 上平四支" in report


def test_an_end_to_mend_that_slips_is_named_once() -> None:
    poem = "月月天天月，天天月月东。天天天月月，月月月天风。月月天天月，天天月月同。天天天月月，月月月天水。"
    assert critique(poem).to_mend == [Mend(8, 5, "水", ["上平一东"])]
    assert critique(poem.replace("水", "空")).to_mend == []


def test_a_poem_that_rhymes_in_an_oblique_tone_has_slips_to_mend_alone() -> None:
    found = critique("春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多月。")
    assert found.off_rhyme == [8]
    assert {wanted for mend in found.to_mend for wanted in mend.wanted} == {"平", "仄"}


def test_short_lines_are_not_padded_to_a_very_long_one() -> None:
    poem = "日月，" * 1000 + "日" * 1000
    assert len(as_text(critique(poem))) < 20 * len(poem)


def test_a_song_has_no_line_off_the_rhyme() -> None:
    found = critique("江南好，风景旧曾谙。日出江花红胜火，春来江水绿如蓝。能不忆江东？")
    assert (found.form, found.rhyming, found.off_rhyme) == (None, [2, 4], [])
    assert "出韵" not in as_text(found)


@pytest.mark.parametrize("text", ["白日依□尽，黄河入海流。", "白日依囗尽，黄河入海流。"])
def test_a_gap_is_a_character_of_which_nothing_is_known(text: str) -> None:
    found = critique(text)
    assert (found.form, found.lines[0].tones, found.unknown) == ("5×2", "仄仄平？仄", [])
    assert found.to_mend == [Mend(1, 4, "囗", ["平", "仄"])]


def test_gaps_are_no_faults_and_want_what_the_pattern_wants() -> None:
    found = critique("白日依山尽，□□□□□。欲穷千里目，更上一层楼。")
    assert found.is_regular
    assert (found.rhyme, found.repeated, found.reduplicated, found.unknown) == (["下平十一尤"], {}, [], [])
    assert [mend.wanted for mend in found.to_mend] == [["平", "仄"], ["平"], ["平", "仄"], ["仄"], ["下平十一尤"]]
    text = as_text(found)
    assert text.startswith("五言绝句 (simplified script), regular as far as it stands\n")
    assert "rhyme: line 4 in 下平十一尤\n" in text
    assert "line 2, character 4: 囗 → 仄\n" in text


def test_gaps_at_all_ends_that_rhyme_leave_the_rhyme_open() -> None:
    found = critique("白日依山尽，黄河入海□。欲穷千里目，更上一层□。")
    assert found.is_regular
    assert [(mend.line, mend.wanted) for mend in found.to_mend] == [(2, ["平"]), (4, ["平"])]
    with pytest.raises(InputError, match="no Chinese characters"):
        critique("□□□□□，□□□□□。")


def test_a_title_is_not_a_line() -> None:
    assert critique("静夜思\n李白\n床前明月光，疑是地上霜。\n举头望明月，低头思故乡。").form == "五言绝句"
    assert critique("床前明月光\n疑是地上霜\n举头望明月\n低头思故乡").form == "五言绝句"
