"""Poems in JSON and JSON lines, whatever their keys are called."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tang.errors import InputError
from tang.text.layout import Found
from tang.text.line import Line
from tang.text.marks import LONGEST
from tang.text.poem import poem_of
from tang.text.tally import Tally

# Keys in the order in which they are tried; sample.py and check.py write text, chinese-poetry has paragraphs.
VERSE_KEYS = (
    *("paragraphs", "content", "contents", "para", "text", "poem", "poetry", "verse", "verses", "lines", "body"),
    *("诗文", "诗句", "正文", "原文", "内容", "诗", "詩文", "詩句", "內容", "詩"),
    *("output", "completion", "response", "answer"),
)
TITLE_KEYS = ("title", "rhythmic", "题目", "标题", "诗名", "題目", "標題", "詩名", "词牌", "詞牌", "name")
COMMENTARY_KEY = re.compile("译文|譯文|翻译|注释|註釋|赏析|賞析|简介|translation|note|comment|author|作者|朝代|intro")
_RARE = 0.01  # Share of poems up to which what looks like a preface is verse
_ASKING = ("user", "system", "human")  # Roles in a conversation: the poems are in the answers


class Records:
    """The poems among the objects, lists and strings of JSON; what is none is counted."""

    def __init__(self, known_keys: Sequence[str] = VERSE_KEYS) -> None:
        self.poems: list[Found] = []
        self.verse_keys: dict[str, None] = {}  # Those that poems were found under
        self.keys: dict[str, None] = {}  # All
        self.likely_keys = Counter[str]()  # Unknown keys with what looks like verse
        self.left_out = Tally()
        self._known_keys = known_keys
        self._prefaces: dict[int, str] = {}  # Number of a poem → what may be its preface

    def visit(self, value: Any, title: str = "", is_top: bool = True) -> None:
        """Find the poems in ``value``, any value of JSON."""
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            for pieces in ([item] for item in value) if is_top else [value]:
                *names, poem = pieces
                if names and not title and _is_whole(poem) and not any(Line(name, "verse").is_marked for name in names):
                    self._add([poem], " ".join(names))
                else:
                    self._add(pieces, title)
        elif isinstance(value, list):
            for item in value:
                self.visit(item, title, is_top=False)
        elif isinstance(value, dict):
            self._visit_object(value, title)
        elif isinstance(value, str) and is_top and _is_verse(value):
            self._add([value], title)
        else:
            self._leave_out(value)

    def _visit_object(self, value: dict[str, Any], title: str) -> None:
        self.keys.update(dict.fromkeys(value))
        value = {key.lower(): item for key, item in value.items()}
        if value.get("role", value.get("from")) in _ASKING:
            self._leave_out(value)
            return
        title = next((value[key] for key in TITLE_KEYS if isinstance(value.get(key), str) and value[key]), title)
        for key in self._known_keys:
            if pieces := _strings(value.get(key)):
                self.verse_keys[key] = None
                if key in VERSE_KEYS:
                    self._add(pieces, title)
                else:
                    self._add_poems(value[key], title)
                return
        lists = {key: _strings(item) for key, item in value.items() if isinstance(item, list)}
        if value and len(lists) == len(value) and all(lists.values()):  # poet → poems, or title → lines
            for key, strings in lists.items():
                self._add_poems(strings, key)
            return
        self.likely_keys.update(key for key, item in value.items() if _may_be_verse(key, item))
        inner = [item for item in value.values() if isinstance(item, dict) or _has_objects(item)]
        verse = {key: item for key, item in value.items() if isinstance(item, str) and _is_verse(item)}
        if not inner and len(verse) < max(2, len(value)):
            self._leave_out(value)
            return
        for item in inner:
            self.visit(item, title, is_top=False)
        if len(verse) == len(value):  # title → poem
            for key, item in verse.items():
                self._add([item], key)

    def _leave_out(self, value: Any) -> None:
        self.left_out.add("entries without verse", json.dumps(value, ensure_ascii=False))

    def _add_poems(self, value: Any, title: str) -> None:
        """Add a list of poems, each a string or a list of lines, or one poem, a string or a list of lines."""
        strings = _strings(value)
        whole = sum(map(_is_whole, strings))
        if all(isinstance(item, list) for item in value):
            poems = [_strings(item) for item in value]
        else:
            poems = [[string] for string in strings] if 2 * whole > len(strings) else [strings]
        for pieces in poems:
            self._add(pieces, title)

    def _add(self, pieces: list[str], title: str) -> None:
        poem, preface, left_out = poem_of(pieces, title)
        if preface:
            self._prefaces[len(self.poems)] = preface
        self.poems.append(poem)
        if left_out.counts:
            self.left_out.update(left_out)

    def settle(self) -> "Records":
        """The same at the end, when it is known whether what looked like prefaces was verse: where they are rare."""
        for number, preface in self._prefaces.items():
            if len(self._prefaces) > _RARE * len(self.poems):
                self.left_out.add("prefaces", preface)
            else:
                text, title = self.poems[number]
                self.poems[number] = Found(preface + text, title)
        return self


def _strings(value: Any) -> list[str]:
    """The strings of a poem: a string without its blank lines, a list's strings, those of a list of lists (stanzas)."""
    if isinstance(value, str):
        return [text] if (text := "\n".join(line for line in value.splitlines() if line.strip())) else []
    if not isinstance(value, list):
        return []
    flat = [string for item in value for string in (item if isinstance(item, list) else [item])]
    return flat if all(isinstance(string, str) for string in flat) and any(flat) else []


def _is_whole(text: str) -> bool:
    """Whether a string is a poem and not a line or two of one."""
    return len(Line(text, "verse").lengths) > 2


def _is_verse(text: str) -> bool:
    return len(Line(text, "verse").lengths) > 1


def _may_be_verse(key: str, value: Any) -> bool:
    """Whether a value has four lines and more, most of them of one length, or several strings of so many."""
    strings = [] if COMMENTARY_KEY.search(key) or key in TITLE_KEYS else _strings(value)
    lengths = [Line(string, "verse").lengths for string in strings]
    usual = Counter(length for of_string in lengths for length in of_string if 3 <= length <= LONGEST)
    poems = sum(len(of_string) >= 4 for of_string in lengths)
    is_even = usual.total() >= 4 and usual.most_common(1)[0][1] > 0.6 * sum(map(len, lengths))
    return is_even or (poems > 1 and 2 * poems > len(strings))


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
        if not records.poems and records.likely_keys:
            records = Records([records.likely_keys.most_common(1)[0][0]])
            for value in values:
                records.visit(value)
    except RecursionError:
        raise InputError(f"{path}: broken JSON (nested too deeply)") from None
    return records.settle(), kind


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
