"""Verse forms: how many lines of how many characters. A line (句) ends at a punctuation mark, but not at 、."""

import re
from typing import NamedTuple

from tang.errors import InputError

LINE_END = "，。？！；"
PUNCTUATION = LINE_END + "、"

# Unified ideographs with their extensions, compatibility ideographs and 〇 (UAX #38).
HANZI = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_NOT_HANZI = re.compile(f"[^{HANZI}]")
_LINES = re.compile(f"[^{LINE_END}]*[{LINE_END}]+|[^{LINE_END}]+")


class Form(NamedTuple):
    """``lines`` lines of ``chars`` characters each."""

    chars: int
    lines: int

    def __str__(self) -> str:
        return next((name for name, form in FORMS.items() if form == self), f"{self.chars}×{self.lines}")


FORMS = {"五言绝句": Form(5, 4), "七言绝句": Form(7, 4), "五言律诗": Form(5, 8), "七言律诗": Form(7, 8)}
DEFAULT_FORM = "七言绝句"  # The form of poems if neither a start nor the training poems ask for one


def form_named(name: str) -> Form:
    """The form called ``name``; an InputError names all forms if it is none of them."""
    if name not in FORMS:
        raise InputError(f"form {name!r} is not known; the forms are {'，'.join(FORMS)}")
    return FORMS[name]


def regulated_form(characters: int) -> Form | None:
    """The one of :data:`FORMS` that has so many characters, if there is one."""
    return next((form for form in FORMS.values() if form.chars * form.lines == characters), None)


def hanzi(text: str) -> str:
    """The Chinese characters of ``text`` alone."""
    return _NOT_HANZI.sub("", text)


def split_lines(text: str) -> list[str]:
    """``text`` cut after each run of line-ending marks, the marks kept: ``["日照，", "月明。"]``."""
    return _LINES.findall(text)


def form_of(text: str) -> Form | None:
    """The form of a poem whose lines are all equally long, else None."""
    lines = split_lines(text)
    lengths = {len(hanzi(line)) for line in lines}
    return Form(lengths.pop(), len(lines)) if len(lengths) == 1 else None


def stanzas(text: str, lines: int) -> list[str]:
    """A poem of equally long lines cut into stanzas of ``lines``, without the last lines if they are too few for one.

    Other poems, and those that are no longer than a stanza, stay whole.
    """
    form, split = form_of(text), split_lines(text)
    if form is None or form.lines <= lines:
        return [text]
    return ["".join(split[i : i + lines]) for i in range(0, form.lines - lines + 1, lines)]
