"""A poem given by itself, in one or several strings, as in JSON and tables."""

from collections.abc import Iterator
from typing import NamedTuple

from tang.errors import InputError
from tang.text.characters import normalize
from tang.text.layout import LEFT_OUT, Found, find_poems
from tang.text.line import Line
from tang.text.lines import by_themselves
from tang.text.marks import verse_of
from tang.text.prose import preface_size
from tang.text.tags import without_tags
from tang.text.tally import Tally
from tang.text.titles import ATTRIBUTION, attributed


class Given(NamedTuple):
    """A poem, what may be its preface, and what else stands with it."""

    poem: Found
    preface: str
    left_out: Tally


def poem_of(pieces: list[str], title: str = "") -> Given:
    """The poem in ``pieces``, each a line of verse or several.

    In a text of several lines notes and the like are looked for, and the title if ``title`` is empty.
    """
    text, title = normalize(without_tags("\n".join(pieces))), normalize(title)
    is_text = any("\n" in piece for piece in pieces)
    if is_text and not title and (titled := _titled(text)):
        return titled
    left_out = Tally()
    lines: list[Line] = []
    for line in by_themselves(text) if is_text else _with_poets_apart(text):
        if line.kind == "attribution" and "《" in line.text:
            title = title or line.text
        if line.kind in LEFT_OUT:
            left_out.add(LEFT_OUT[line.kind], line.text)
        elif line.kind != "blank":
            lines.append(line)
    start = preface_size(lines) if title and lines else 0
    return Given(Found(verse_of(lines[start:]), title), "".join(line.text for line in lines[:start]), left_out)


def _titled(text: str) -> Given | None:
    """The one poem in ``text`` if there is a title above it."""
    try:
        found, _, left_out = find_poems(text, "")
    except InputError:
        return None
    return Given(found[0], "", left_out) if len(found) == 1 and found[0].title else None


def _with_poets_apart(text: str) -> Iterator[Line]:
    """The lines of ``text``, each as verse, the poets after them apart."""
    for line in text.split("\n"):
        verse, poet = ("", line) if ATTRIBUTION.match(line.strip()) else attributed(line)
        if verse.strip():
            yield Line(verse, "verse")
        if poet:
            yield Line(poet, "attribution")
