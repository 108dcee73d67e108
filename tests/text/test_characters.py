import pytest

from tang.text.characters import normalize, scripts


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("白日依⼭尽", "白日依山尽"),  # U+2F2D, as PDF files have it
        ("⻓门⻛雨", "长门风雨"),
        ("\uf9b0\uf9b1", "聆鈴"),
        ("处处〻，年々々", "处处处，年年年"),
        ("床前\n々光", "床前\n々光"),
        ("明月光&#" + "9" * 5000 + ";", "明月光\ufffd"),
        ("明月光&#x3002;&nbsp;疑", "明月光。 疑"),
        ("春，夏。（秋）…：﹐", "春，夏。（秋）…：,"),
        ("e\u0301" + "\u0301\u0316" * 9, "e" + "\u0301" + "\u0301\u0316" * 9),
    ],
)
def test_characters_become_what_they_stand_for(text: str, plain: str) -> None:
    assert normalize(text) == plain


def test_letters_are_counted_by_script() -> None:
    assert scripts("白日 a_б シu1⼭") == {"Latin": 2, "Cyrillic": 1, "Katakana": 1, "digits": 1}
