"""Titles and poets on the line of their verse, before it or after it."""

import re

from tang.text.forms import HANZI, hanzi
from tang.text.line import END, PLAIN_MARKS, Line
from tang.text.marks import FEW

BOOK_TITLE = re.compile(r"《[^《》]+》[^，。！？；:：/|]{0,12}$")
_COLUMN = re.compile(r"[\t|]+")
_COLON = re.compile("[:：]")
_SPACE = re.compile(r"\s+|(?<=》)")
_BRACKETED = r"[\[【〔(（][^\[\]【】〔〕()（）]{0,2}[唐宋元明清汉漢魏晋晉隋梁陈陳齐齊周秦金辽遼代国國][\]】〕)）]\s*"
_DYNASTY = rf"(?:{_BRACKETED}|[^\s《》]{{1,2}}[·•・]\s*)?"
_POET = rf"{_DYNASTY}(?![见見出录錄引据據])[{HANZI}]{{2,5}}"
_DASH = "(?:[—–―─]+|--+|(?:作者|[诗詩词詞]人)[:：])"
_AROUND = " \u3000—–―─-"
_LONGEST = 60  # Characters of a poet and a title, with dashes and spaces
_MAY_HAVE_POET = re.compile(rf"》|{_DASH}|[。！？.!?][」』”’]?\s|[\]】〕)）][{HANZI}]+$")
ATTRIBUTION = re.compile(rf"{_DASH}\s*(?:{_POET}\s*(?:《[^《》]+》)?|《[^《》]+》(?:\s*{_POET})?)$")
_AFTER_VERSE = re.compile(
    rf"(?:(?<=[。！？；，….!?;,」』”’])|(?<=\s))\s*{ATTRIBUTION.pattern}"
    rf"|(?<=[。！？；….!?;」』”’])(?:\s+(?:-\s+)?[{HANZI}]{{2,3}}"
    rf"|\s*(?:[(（]{_POET}\s*《[^《》]+》[)）]|《[^《》]+》\s*(?:{_POET})?|{_POET}\s*《[^《》]+》|{_BRACKETED}[{HANZI}]{{2,4}}))$"
)


def attributed(text: str) -> tuple[str, str]:
    """A line's verse, and the poet and the title after it: ``举头望明月，低头思故乡。——李白《静夜思》``."""
    if not _MAY_HAVE_POET.search(text, max(0, len(text) - _LONGEST)):
        return text, ""
    found = _AFTER_VERSE.search(text, max(0, len(text) - _LONGEST))
    if not found or not hanzi(text[: found.start()]):
        return text, ""
    poet = found[0].strip(_AROUND)
    return text[: found.start()].rstrip(), poet[1:-1] if poet[0] in "（(" and poet[-1] in ")）" else poet


def with_titles_apart(lines: list[Line]) -> list[Line]:
    """The lines with what stands before their verse as titles."""
    for delimiter in (_COLUMN, _COLON, _SPACE):
        lines = _without_titles(lines, delimiter)
    return lines


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
    if not titles or not hanzi(first):
        return None
    body = Line(first + line.text[end.start() :], "verse", " ".join(titles))
    if not body.lengths:
        return None
    is_regular = len(body.lengths) > 1 and body.lengths[0] == body.lengths[1]
    return body if is_regular or is_rule or delimiter is not _SPACE else None
