"""The lines of a text file that holds verse, told apart: verse, titles, prose."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from io import StringIO
from itertools import groupby, zip_longest

from tang.text.forms import hanzi, regulated_form
from tang.text.line import END, PLAIN_MARKS, Kind, Line, as_verse
from tang.text.marks import LONGEST, cut, in_parts, marked
from tang.text.notes import in_one_line

FEW = 0.15  # Share of a file's lines up to which something is an exception there

_LINE_END = re.compile(r"\r\n|[\r\f\u2028\u2029]")
_DECORATION = re.compile(r"^[\s>#=~★☆•–—-]+|^[*+●◆■]+(?:\s+|$)")
_TRAILING = "\n \t\u3000#=~★☆–—"
_NUMBER = re.compile(  # 1. 12、 (3) 第五首 三、 No. 7, but not 3月, 十首
    r"^(?:[\[(（【](?:第?\d+|[一二三四五六七八九十百]+)[首章]?[\])）】][.．、:：]?"
    r"|(?:第|[Nn][Oo][.．]?\s*)?\d+(?:[首章]?[\])）.．、:：]|[首章]?(?=\s|《))|0\d+"
    r"|第[一二三四五六七八九十百]+[首章][.．、:：]?|[一二三四五六七八九十百]+、)\s*(?=\S)"
)
_NOTE_BELOW = re.compile("[①-⒇]|[【\\[（(][注按校笺][】\\]）)]|[注按][:：]")
_NUMBERED_NOTE = re.compile(r"[\[(（【]?\d+[\])）】.、．]?\s*[^\s，。]{1,8}[:：]")
_COLUMN = re.compile(r"[\t|]+")
_COLON = re.compile("[:：]")
_SPACE = re.compile(r"\s+|(?<=》)")
_BOOK_TITLE = re.compile("《[^《》]*》$")
_MODERN = re.compile("[的了们們这這那吗嗎呢吧她它您]")
_VERSE_LABEL = re.compile(r"^[【\[]?(?:诗文|詩文|正文|原文|内容|內容|诗句|詩句|上联|上聯|下联|下聯)[】\]]?\s*[:：]\s*")
_TITLE_LABEL = re.compile(
    r"^[【\[]?(?:诗名|詩名|题目|題目|标题|標題|诗题|詩題|篇名|词牌|詞牌|作者|诗人|詩人)[】\]]?\s*[:：]\s*"
)
_OTHER_LABEL = re.compile(
    r"^[>\s]*[【\[]?(?:朝代|年代|诗体|詩體|体裁|體裁|出处|出處|类别|類別)[】\]]?\s*[:：]|^[>\s]*\*[^*]+\*\s*$"
)
_COMMENTARY = re.compile(
    r"^[【\[]?(?:注释|註釋|注解|译文|譯文|翻译|翻譯|赏析|賞析|简析|鉴赏|鑒賞|评析|作者简介|创作背景)"
    r"(?:[】\]]|\s*[:：]|$)"
)


def read_lines(text: str) -> list[Line]:
    """The lines of a text in plain characters, each with its kind."""
    lines: list[Line] = []
    pinyin: list[Line] = []
    for line in _by_themselves(text):
        (pinyin if _is_pinyin(line) else lines).append(line)
    return [*_told_apart(lines), *pinyin]  # at the end, where it stands between no lines of verse


def _is_pinyin(line: Line) -> bool:
    return line.kind == "other" and any(map(str.isalpha, line.text)) and not any(map(str.isdigit, line.text))


def _told_apart(lines: list[Line]) -> list[Line]:
    """The lines with their kinds as the whole text shows them."""
    with_marks, without = (sum(line.kind == kind for line in lines) for kind in ("verse", "bare"))
    if with_marks <= FEW * (with_marks + without):
        return _verse_without_marks(lines)
    for split_title in (_COLUMN, _COLON, _SPACE):
        lines = _without_titles(lines, split_title)
    lines = [replace(line, kind="prose") if line.kind == "verse" and _is_prose(line) else line for line in lines]
    return _verse_with_few_marks(lines)


def _by_themselves(text: str) -> Iterator[Line]:
    """Each line as it looks by itself."""
    shared = lru_cache(maxsize=1 << 16)(Line)  # equal lines are one object, which bounds the memory for short ones
    in_commentary, before, is_numbered = False, "blank", False
    for printed in StringIO(in_one_line(_LINE_END.sub("\n", text)), newline="\n"):
        text = _DECORATION.sub("", printed).rstrip(_TRAILING)
        kind: Kind | None = None
        if _OTHER_LABEL.match(printed):
            kind = "other"
        elif label := _VERSE_LABEL.match(text):
            in_commentary, text = False, text[label.end() :]
        elif label := _TITLE_LABEL.match(text):
            kind, in_commentary, text = "bare", False, text[label.end() :]
        in_commentary = bool(text) and (in_commentary or bool(_COMMENTARY.match(text)))
        line = shared(_NUMBER.sub("", text), "verse")
        if kind is None:
            kind = "other" if "http" in text or "www." in text else _kind(line, in_commentary)
        if before == "blank":
            is_numbered = bool(_NUMBER.match(text))
        note = _NOTE_BELOW.match(text) if is_numbered else _NOTE_BELOW.match(text) or _NUMBERED_NOTE.match(text)
        if kind in ("verse", "bare") and before in ("verse", "prose") and note:
            kind = "prose"
        before = kind
        yield line if kind == "verse" else shared(line.text, kind)


def _kind(line: Line, in_commentary: bool) -> Kind:
    if not line.text:
        return "blank"
    if in_commentary:
        return "prose"
    if line.lengths:
        return "verse" if line.is_marked else "bare"
    return "note" if hanzi(line.text) else "other"


def _is_prose(line: Line) -> bool:
    """Whether a line has a piece too long for verse, or modern words, and most pieces aren't of one length."""
    usual = max((line.lengths.count(length) for length in set(line.lengths) if length <= LONGEST), default=0)
    is_odd = max(line.lengths) > LONGEST or len(set(_MODERN.findall(line.plain))) > 1
    return is_odd and 2 * usual <= len(line.lengths)


def _without_titles(lines: list[Line], delimiter: re.Pattern[str]) -> list[Line]:
    """The lines with what stands before their verse as titles, if ``delimiter`` sets it off in more than a few.

    ::

        静夜思:床前明月光，疑是地上霜。        静夜思　李白　床前明月光，疑是地上霜。
    """
    verse = [line for line in lines if line.kind == "verse"]
    # In songs lines of verse differ: a space sets off a title if all lines have it, and none elsewhere.
    is_rule = bool(verse) and all(len(line.text.split()) > 1 and not _has_late_space(line) for line in verse)
    heads = {number: head for number, line in enumerate(lines) if (head := _head(line, delimiter, is_rule))}
    if len(heads) <= FEW * len(verse):
        return lines
    return [heads.get(number, line) for number, line in enumerate(lines)]


def _has_late_space(line: Line) -> bool:
    """Whether there is a space within a line of verse after the first."""
    return any(len(piece.split()) > 1 for piece in line.pieces[1:])


def _head(line: Line, delimiter: re.Pattern[str], is_rule: bool) -> Line | None:
    """A line of verse with its title apart; None if ``delimiter`` sets off none before the first mark."""
    if line.kind != "verse" or line.title:
        return None
    end = END.search(line.text.translate(PLAIN_MARKS))
    assert end
    *titles, first = (part.strip() for part in delimiter.split(line.text[: end.start()]))
    titles = [title for title in titles if hanzi(title)]
    body = Line(first + line.text[end.start() :], "verse", " ".join(titles))
    if not titles or not hanzi(first) or not body.lengths:
        return None
    is_regular = len(body.lengths) > 1 and body.lengths[0] == body.lengths[1]
    return body if is_regular or is_rule or delimiter is not _SPACE else None


def _verse_without_marks(lines: list[Line]) -> list[Line]:
    """Tell verse from titles in a text without marks: by parts, or by neighboring lines, of equal length."""
    bare = [line for line in lines if line.kind == "bare"]
    cut_up = [in_parts(line) for line in bare]
    if sum(found is not None for found in cut_up) > len(bare) / 2:
        verse = iter(cut_up)
        return [next(verse) or line if line.kind == "bare" else line for line in lines]
    run_on = {id(line): form for line in bare if (form := regulated_form(len(hanzi(line.text))))}
    if len(run_on) > len(bare) / 2:
        return [marked(line, cut(line.text, form.chars)) if (form := run_on.get(id(line))) else line for line in lines]
    found = _by_neighbors(lines)
    if sum(line.kind == "verse" for line in found) > len(bare) / 2:
        return found
    return [as_verse(line) if line.kind == "bare" and not _BOOK_TITLE.match(line.text) else line for line in lines]


def _is_blank(line: Line) -> bool:
    return line.kind == "blank"


def _by_neighbors(lines: list[Line]) -> list[Line]:
    """The lines as verse where neighbors are equally long, of lengths that are common in the text.

    Of an odd number, five or more, the first line after a blank one is a title, or else the last one, that of the next
    poem.
    """
    runs = [list(run) for _, run in groupby(lines, lambda line: (line.kind, *line.lengths))]
    sizes = Counter[int]()
    for run in runs:
        if run[0].kind == "bare" and len(run) > 1:
            sizes[run[0].lengths[0]] += len(run)
    common = {size for size, count in sizes.items() if 3 <= size <= LONGEST and count > FEW * sizes.total()}
    found: list[Line] = []
    for run, after in zip_longest(runs, runs[1:]):
        odd = len(run) % 2 if len(run) > 3 else 0
        first, last = (odd, len(run)) if not found or _is_blank(found[-1]) else (0, len(run) - odd)
        if after is None or _is_blank(after[0]):  # no poem follows at once
            last = len(run)
        is_verse = run[0].kind == "bare" and len(run) > 1 and run[0].lengths[0] in common
        found += run[:first]
        found += [as_verse(line) if is_verse else line for line in run[first:last]]
        found += run[last:]
    return found


def _verse_with_few_marks(lines: list[Line]) -> list[Line]:
    """Lines without a mark as verse too, where their neighbors show that only the mark is missing."""
    bare = [number for number, line in enumerate(lines) if line.kind == "bare"]
    like_next = [n for n in bare if n + 1 < len(lines) and _fits(lines[n], lines[n + 1].lengths, lines[n + 1])]
    between = [n for n in like_next if n and _fits(lines[n], lines[n - 1].lengths[-1:], lines[n - 1])]
    in_blocks = sum(map(_is_blank, lines)) > FEW / 2 * len(lines)
    missing = set(like_next if len(like_next) > 0.8 * len(bare) else between if in_blocks else [])
    return [as_verse(line) if number in missing else line for number, line in enumerate(lines)]


def _fits(line: Line, lengths: tuple[int, ...], neighbor: Line) -> bool:
    return neighbor.kind == "verse" and line.lengths == lengths
