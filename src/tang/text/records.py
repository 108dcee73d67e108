"""Poems in JSON, JSON lines and tables (CSV), whatever their keys are called."""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tang.errors import InputError
from tang.text.characters import normalize
from tang.text.forms import hanzi
from tang.text.layout import Found, find_poems
from tang.text.line import Line
from tang.text.marks import poem_of
from tang.text.tags import without_tags
from tang.text.tally import Tally

# Keys in the order in which they are tried; sample.py and check.py write text, chinese-poetry has paragraphs.
VERSE_KEYS = (
    *("paragraphs", "content", "contents", "para", "text", "poem", "poetry", "verse", "verses", "lines", "body"),
    *("诗文", "诗句", "正文", "原文", "内容", "诗", "詩文", "詩句", "內容", "詩", "output", "completion"),
)
TITLE_KEYS = ("title", "rhythmic", "题目", "标题", "诗名", "題目", "標題", "詩名", "词牌", "詞牌", "name")


_COMMENTARY = re.compile("译文|譯文|翻译|注释|註釋|赏析|賞析|简介|translation|note|comment|author|作者|朝代")
_LINE_NAME = re.compile(r"(?:line|l|句)[ _]?\d*|第.{1,2}句|[上下]联|[上下]聯")  # Of a column with a line of verse


class Records:
    """The poems among the objects, lists and strings of JSON; what is none is counted."""

    def __init__(self) -> None:
        self.poems: list[Found] = []
        self.verse_keys: dict[str, None] = {}  # Those that poems were found under
        self.keys: dict[str, None] = {}  # All
        self.left_out = Tally()

    def visit(self, value: Any, title: str = "", is_top: bool = True) -> None:
        """Find the poems in ``value``, any value of JSON."""
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            for pieces in ([item] for item in value) if is_top else [value]:
                self._add(pieces, title)
        elif isinstance(value, list):
            for item in value:
                self.visit(item, title, is_top=False)
        elif isinstance(value, dict):
            self._visit_object(value, title)
        elif isinstance(value, str) and is_top and _is_verse(value):
            self._add([value], title)
        else:
            self.left_out.add("entries without verse", json.dumps(value, ensure_ascii=False))

    def _visit_object(self, value: dict[str, Any], title: str) -> None:
        self.keys.update(dict.fromkeys(value))
        value = {key.lower(): item for key, item in value.items()}
        title = next((value[key] for key in TITLE_KEYS if isinstance(value.get(key), str) and value[key]), title)
        for key in VERSE_KEYS:
            if pieces := _strings(value.get(key)):
                self.verse_keys[key] = None
                if not title and isinstance(value[key], str) and len(pieces) > 1:
                    pieces, title = _with_title_apart(pieces)
                self._add(pieces, title)
                return
        lists = {key: _strings(item) for key, item in value.items() if isinstance(item, list)}
        if value and len(lists) == len(value) and all(lists.values()):  # poet → poems, or title → lines
            for key, strings in lists.items():
                whole = sum(len(Line(string, "verse").lengths) > 2 for string in strings)
                for pieces in [[string] for string in strings] if 2 * whole > len(strings) else [strings]:
                    self._add(pieces, key)
            return
        inner = [item for item in value.values() if isinstance(item, dict) or _has_objects(item)]
        verse = {key: item for key, item in value.items() if isinstance(item, str) and _is_verse(item)}
        if not inner and len(verse) < max(2, len(value)):
            self.left_out.add("entries without verse", json.dumps(value, ensure_ascii=False))
            return
        for item in inner:
            self.visit(item, title, is_top=False)
        if len(verse) == len(value):  # title → poem
            for key, item in verse.items():
                self._add([item], key)

    def _add(self, pieces: Iterable[str], title: str) -> None:
        lines = normalize(without_tags("\n".join(pieces))).split("\n")
        self.poems.append(Found(poem_of(lines), normalize(title)))


def _strings(value: Any) -> list[str]:
    """The strings of a poem: of one string its lines, of a list its strings, of a list of lists (stanzas) theirs."""
    if isinstance(value, str):
        return [line for line in value.splitlines() if line.strip()]
    if not isinstance(value, list):
        return []
    flat = [string for item in value for string in (item if isinstance(item, list) else [item])]
    return flat if all(isinstance(string, str) for string in flat) and any(flat) else []


def _with_title_apart(lines: list[str]) -> tuple[list[str], str]:
    """The lines of a poem, and the title among them, if there is one."""
    try:
        found, *_ = find_poems(normalize("\n".join(lines)), "")
    except InputError:
        return lines, ""
    return ([found[0].text], found[0].title) if len(found) == 1 and found[0].title else (lines, "")


def _is_verse(text: str) -> bool:
    return len(Line(text, "verse").lengths) > 1


def _has_objects(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict | list) for item in value)


def from_json(text: str, path: Path) -> tuple[Records, str]:
    """The poems of a JSON file, or of one with a JSON value a line, and the name of its kind.

    An InputError with the position of what is broken.
    """
    records = Records()
    try:
        try:
            values, kind = [_parsed(text)], "JSON"
        except json.JSONDecodeError as error:
            if error.msg != "Extra data":
                raise InputError(f"{path}: {_where(error)}") from None
            values, kind = list(_parsed_lines(text, path)), "JSON lines"
        for value in values:
            records.visit(value)
    except RecursionError:
        raise InputError(f"{path}: broken JSON (nested too deeply)") from None
    return records, kind


def _parsed(text: str) -> Any:
    # No number matters, and Python refuses to parse very long ones.
    return json.loads(text, parse_int=lambda digits: 0, parse_float=lambda digits: 0)


def _parsed_lines(text: str, path: Path) -> Iterator[Any]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield _parsed(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{path}: {_where(error, number)}") from None


def _where(error: json.JSONDecodeError, line: int | None = None) -> str:
    return f"line {line or error.lineno}, column {error.colno}: broken JSON ({error.msg})"


def from_table(text: str, path: Path) -> Records | None:
    """The poems of a table with a poem in each row (CSV or TSV); None if its rows aren't equally long.

    The verse stands in the column that the first row calls so, or else in the one with the most Chinese characters.
    """
    first = text.partition("\n")[0]
    delimiter = max("\t;,", key=first.count)
    try:
        rows = [row for row in csv.reader(text.splitlines(keepends=True), delimiter=delimiter) if any(row)]
    except csv.Error as error:
        raise InputError(f"{path}: not a table ({error}); save it as text, one poem a line") from None
    if not rows:
        return None
    records = Records()
    names = [name.strip().lower() for name in rows[0]]
    is_head = any(name in (*VERSE_KEYS, *TITLE_KEYS) for name in names) or bool(_LINE_NAME.fullmatch(names[-1]))
    if uneven := next((number for number, row in enumerate(rows, 1) if len(row) != len(names)), None):
        if is_head:
            found = f"row {uneven} has {len(rows[uneven - 1])} columns, not {len(names)}"
            raise InputError(f"{path}: {found}; put its text in quotes")
        return None
    body = rows[1:] if is_head else rows
    columns = [[len(hanzi(row[column])) for row in body] for column in range(len(names))]
    usable = [number for number, name in enumerate(names) if not _COMMENTARY.search(name)]
    longest = max(usable, key=lambda column: sum(columns[column]), default=0)
    verse = [names.index(key) for key in VERSE_KEYS if key in names][:1] or _lines(columns, usable) or [longest]
    titles = [names.index(key) for key in TITLE_KEYS if key in names] if is_head else [0]
    for row in body:
        title = next((row[column] for column in titles if column not in verse and hanzi(row[column])), "")
        records.visit({"text": [row[column] for column in verse], "title": title})
    named = ", ".join(names[column] if is_head else str(column + 1) for column in verse)
    records.verse_keys = {f"column {named}": None}
    return records


def _lines(columns: list[list[int]], usable: list[int]) -> list[int]:
    """Columns with a line of verse each: two or more of the same length in nearly all rows."""
    usual = {column: Counter(columns[column]).most_common(1)[0] for column in usable if columns[column]}
    even = {column: size for column, (size, count) in usual.items() if size >= 4 and count > 0.8 * len(columns[column])}
    size = Counter(even.values()).most_common(1)[0][0] if even else 0
    alike = [column for column in even if even[column] == size]
    return alike if len(alike) > 1 else []
