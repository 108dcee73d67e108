"""Poems in tables (CSV, TSV), whatever their columns are called."""

import csv
import re
from collections import Counter
from pathlib import Path

from tang.errors import InputError
from tang.text.forms import hanzi
from tang.text.records import COMMENTARY_KEY, TITLE_KEYS, VERSE_KEYS, Records

_LINE_NAME = re.compile(r"(?:line|l|句)[ _]?\d*|第.{1,2}句|[上下]联|[上下]聯")  # Of a column with a line of verse
_OTHER_NAMES = ("author", "作者", "诗人", "詩人", "朝代", "dynasty")
_LONGEST_HEADER = 200
_DELIMITER = re.compile("[\t;,|]")


def has_header(text: str) -> bool:
    """Whether the first line names columns in known words, one of verse and another one."""
    names = [name.strip().lower() for name in _DELIMITER.split(text.lstrip().partition("\n")[0][:_LONGEST_HEADER])]
    return bool({*names} & {*VERSE_KEYS} and {*names} & {*TITLE_KEYS, *_OTHER_NAMES})


def from_table(text: str, path: Path) -> Records | None:
    """The poems of a table with a poem in each row (CSV or TSV); None if its rows aren't equally long.

    The verse stands in the column that the first row calls so, or else in the one with the most Chinese characters.
    """
    first = text.partition("\n")[0]
    delimiter = max("\t;,|", key=first.count)
    try:
        rows = [row for row in csv.reader(text.splitlines(keepends=True), delimiter=delimiter) if any(row)]
    except csv.Error as error:
        raise InputError(f"{path}: not a table ({error}); save it as text, one poem a line") from None
    if delimiter == "|":  # as Markdown has it
        rows = [[cell.strip() for cell in row] for row in rows if set("".join(row)) - set("-: ")]
        rows = [row[1:-1] if len(row) > 2 and not row[0] + row[-1] else row for row in rows]
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
    usable = [number for number, name in enumerate(names) if not COMMENTARY_KEY.search(name)]
    longest = max(usable, key=lambda column: sum(columns[column]), default=0)
    verse = [names.index(key) for key in VERSE_KEYS if key in names][:1] or _lines(columns, usable) or [longest]
    with_words = [column for column, sizes in enumerate(columns) if 2 * sum(map(bool, sizes)) > len(sizes)]
    titles = [names.index(key) for key in TITLE_KEYS if key in names] if is_head else with_words[:1]
    for row in body:
        title = next((row[column] for column in titles if column not in verse and hanzi(row[column])), "")
        records.visit({"text": [row[column] for column in verse], "title": title})
    named = ", ".join(names[column] if is_head else str(column + 1) for column in verse)
    records.verse_keys = {f"column {named}": None}
    return records.settle()


def _lines(columns: list[list[int]], usable: list[int]) -> list[int]:
    """Columns with a line of verse each: two or more of the same length in nearly all rows."""
    usual = {column: Counter(columns[column]).most_common(1)[0] for column in usable if columns[column]}
    even = {column: size for column, (size, count) in usual.items() if size >= 4 and count > 0.8 * len(columns[column])}
    size = Counter(even.values()).most_common(1)[0][0] if even else 0
    alike = [column for column in even if even[column] == size]
    return alike if len(alike) > 1 else []
