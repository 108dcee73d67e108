"""Labels of lines, 作者: or 【译文】, and how far the notes, translations and so on reach that they announce."""

import re
from typing import Literal

from tang.text.line import Kind, Line, is_regulated

VERSE = re.compile(r"^[【\[]?(?:诗文|詩文|正文|原文|内容|內容|诗句|詩句|上联|上聯|下联|下聯)[】\]]?\s*[:：]\s*")
TITLE = re.compile(
    r"^[【\[]?(?:诗名|詩名|题目|題目|标题|標題|诗题|詩題|篇名|词牌|詞牌|作者|诗人|詩人)[】\]]?\s*[:：]\s*"
)
OTHER = re.compile(
    r"^[>\s]*[【\[]?(?:朝代|年代|诗体|詩體|体裁|體裁|出处|出處|类别|類別)[】\]]?\s*[:：]|^[>\s]*\*[^*]+\*\s*$"
)
_KINDS = (
    "[注註][释釋解音]?|附[注註]|校[注註記记]|校勘[记記]|[今韵韻原][译譯注註]|[译譯][文释釋诗詩注註]|翻[译譯]|意[译譯]|[诗詩词詞大]意"
    "|白[话話](?:[译譯]?文|[译譯])?|[释釋][义義文]|[赏賞鉴鑒评評简簡浅淺][赏賞析鉴鑒]|解[析读讀说說题題]|[题題]解|[说說]明"
    "|[点點短总總集辑輯][评評]|[评評][点點论論]|名家[评評][论論点點]|[编編]者按|按[语語]|[导導][读讀]|(?:[创創写寫]作|[历歷]史)?背景"
    "|(?:作者|[诗詩词詞]人|作品)?(?:[简簡]介|介[绍紹])|[词詞字][语語词詞]?(?:解[释釋]|[注註][释釋])"
)
_LETTERS = "[注註按笺箋评評译譯校疏析]"
_COMMENTARY = re.compile(
    rf"[【\[［〔（(]?(?:{_KINDS})(?:[及与與和、/]?(?:{_KINDS}))*[一二三四五六七八九十\d]{{0,2}}(?:[】\]］〕）)]\s*[:：]?|\s*[:：]|$)"
    rf"|[【\[［〔（(]{_LETTERS}[】\]］〕）)]\s*[:：]?|{_LETTERS}\s*\d{{0,2}}\s*[:：]"
)
_PREFACE = re.compile(r"[【\[［〔（(]?[小自原并並题題]?序(?:[】\]］〕）)]\s*[:：]?|\s*[:：])(?=.)")
_PREFACE_ALONE = re.compile(r"[【\[［〔（(]?[小自原并並有题題]?序[】\]］〕）)]?")
_COLON = re.compile("[:：]")
_CIRCLED = re.compile("[①-⒇]")
_NOTE = re.compile(
    r"(?:[\[(（【〔]?\d+[\])）】〕.、．]?|[①-⒇]|[\[【〔][一二三四五六七八九十]+[\]】〕])\s*[^\s，。]{1,8}[:：]"
)
_VARIANT = re.compile('[“「『"][^”」』"]{1,9}[”」』"](?:[一又]作|[一或]本)')


class Commentary:
    """Tells of one line after the other whether it is commentary, up to a blank line.

    A label that stands alone reaches over a blank line to the next block. Below its poem a label with text reaches to
    what looks like the next title or poem; above it, 题解：…, no farther than its line.
    """

    def __init__(self) -> None:
        self._is_under_heading = False  # Whether the label stood alone, below a poem
        self._reach: Literal["line", "poem", "block"] = "line"
        self._is_awaited = False
        self._awaits_preface = False
        self._starts = True  # a block
        self._number: Literal["", "digits", "circled"] = ""  # Of the block's first line: there it is a poem's
        self._after_verse = False
        self._bare = 0  # Lines without marks on end: many are a poem, a few its title
        self._was = False  # Whether the last line was commentary

    def end(self) -> None:
        """The next line is no commentary, whatever was announced."""
        self._reach, self._is_awaited = "line", False

    def kind(self, text: str, line: Line, is_numbered: bool) -> Kind | None:
        """The kind of the next line, ``text``, if it is commentary; ``line`` is the same as verse, without a number."""
        if not text:
            self._reach, self._starts = "line", True
            return None
        is_label = bool(_PREFACE_ALONE.fullmatch(line.text))
        is_preface = is_label or bool(_PREFACE.match(text)) or (self._awaits_preface and line.is_marked)
        self._awaits_preface = is_label
        self._was = is_preface or self._is_commentary(text, line)
        if self._starts:
            self._number = "" if self._was else "circled" if _CIRCLED.match(text) else "digits" if is_numbered else ""
        if not self._was and line.lengths:
            is_title = self._starts or self._after_verse
            self._bare = 0 if line.is_marked else 1 if is_title else self._bare + 1
            self._after_verse = line.is_marked
        self._starts = False
        if not self._was:
            return None
        is_apart = self._is_under_heading and self._reach == "block"
        return "preface" if is_preface else "commentary" if is_apart else "prose"

    def _is_commentary(self, text: str, line: Line) -> bool:
        has_poem = self._after_verse or self._bare >= 3
        _, _, after_colon = line.text.replace("：", ":").partition(":")
        has_title = is_regulated([Line(after_colon, "verse")])  # a poem may be called 诗意
        if (label := _COMMENTARY.match(line.text)) and not has_title:
            self._is_awaited = label.end() == len(line.text)
            self._is_under_heading = self._is_awaited and has_poem
            self._reach = "line" if not has_poem else "block" if self._starts else "poem"
            if self._is_awaited:
                self._reach = "block"
            return True
        if self._is_awaited:
            self._is_awaited, self._reach = False, "block"
        is_title = not line.is_marked and not _COLON.search(text)
        if self._reach == "poem" and (is_title or has_title or is_regulated([line])):
            self._reach = "line"
        is_below = bool(line.lengths) and (self._was or has_poem)
        return self._reach != "line" or (is_below and self._is_note(text))

    def _is_note(self, text: str) -> bool:
        """Whether a line below a poem looks like a note: ①, or a number and a word with a colon."""
        if _VARIANT.match(text):
            return True
        has_word = bool(_NOTE.match(text))
        if _CIRCLED.match(text):
            return self._number != "circled" and (has_word or not self._starts)
        return has_word and self._number != "digits"
