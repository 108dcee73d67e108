"""Characters as they are meant: compatibility forms, the radicals of PDF files, entities, repetition signs."""

import html
import re
import unicodedata
from collections import Counter

from tang.text.forms import HANZI

# Radicals that PDF files have in place of characters (Unicode's EquivalentUnifiedIdeograph); NFKC leaves these as
# they are.
_RADICALS = str.maketrans(
    "⺈⺊⺌⺗⺜⺝⺠⺧⺩⺫⺬⺶⺼⻁⻄⻅⻆⻉⻋⻏⻑⻓⻔⻗⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻪⻬⻮⻰⻱",
    "刀卜小心日月民牛王目示羊肉虎西见角贝车邑長长门雨青韦页风飞食马骨鬼鱼鸟卤麦黄黾齐齿龙龜",
)
LETTER = re.compile(rf"(?![{HANZI}_])\w")  # A letter or digit of another script
GAP_SIGN = "囗"  # Looks like a character; the 全唐诗 has it where one is missing
GAP = re.compile(  # What is printed where a character is missing: signs, parts of characters, private characters
    "[□■▢▯◻◽⬜☐●○◎◯△▲◇◆〓囗✕×✖*＊_＿{}｛｝\u2e80-\u2eff\u2ff0-\u2fff\u31c0-\u31ef\ud800-\udfff"
    "\ue000-\uf8ff\U000f0000-\U0010ffff\ufffd]"
)
_LONG_NUMBER = re.compile(r"&#\d{8,};?")  # Of no character; Python reads no number of thousands of digits
_REPETITION = re.compile(r"(\w)([々〻]+)")


class _Plain(dict[int, str]):
    """Plain characters by code point, each found once: of a whole text with many combining marks NFKC is quadratic."""

    def __missing__(self, code: int) -> str:
        character = plain = chr(code)
        is_mark = unicodedata.category(character)[0] == "P" and not "\ufe10" <= character <= "\ufe6f"
        if not is_mark and not "①" <= character <= "⒇":  # a note's number isn't a digit of the text
            plain = unicodedata.normalize("NFKC", character).translate(_RADICALS)
        self[code] = plain
        return plain


_PLAIN = _Plain()


def normalize(text: str) -> str:
    """``text`` in plain characters, before anything is read from it.

    HTML's entities are unescaped (``&nbsp;``), compatibility forms become what they stand for (Unicode's NFKC: ⼭ → 山;
    also ⻓ → 长), and 々 becomes the character before it. Marks and ① stay
    as printed, but for small and vertical marks.
    """
    if "&" in text:
        text = html.unescape(_LONG_NUMBER.sub("\ufffd", text))
    return _REPETITION.sub(lambda run: run[1] * (1 + len(run[2])), text.translate(_PLAIN))


def scripts(text: str) -> Counter[str]:
    """How many letters of other scripts than the Chinese there are: ``Latin``, ``Hiragana``, ``digits``, …"""
    counts: Counter[str] = Counter()
    for letter, count in Counter(LETTER.findall(text)).items():
        name = "digits" if letter.isdecimal() else unicodedata.name(letter, "unknown").split()[0].capitalize()
        counts[name] += count
    return counts
