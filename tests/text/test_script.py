from tang.text.script import convert, usual


def test_old_variants_become_the_usual_characters() -> None:
    assert usual("簷下劒疎，飛鴈猨啼") == "檐下剑疏，飛雁猿啼"
    assert usual("簷下劒疎", keep="簷疎") == "簷下剑疎"
    assert convert([usual("簷劒疎")], "simplified") == ["檐剑疏"], "the usual ones are simplified"


def test_texts_of_any_lines_are_converted_each_by_itself() -> None:
    texts = ["東風", "", "萬里\n長江\n", "\n"]
    assert convert(texts, "simplified") == ["东风", "", "万里\n长江\n", "\n"]
    assert convert([], "simplified") == []
