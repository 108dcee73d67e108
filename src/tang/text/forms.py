"""Verse forms: how many lines of how many characters. A line (句) ends at a punctuation mark, but not at 、."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from tang.errors import InputError

LINE_END = "，。？！；"
PUNCTUATION = LINE_END + "、"

# Unified ideographs with their extensions, compatibility ideographs and 〇 (UAX #38).
HANZI = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_EQUAL = re.compile("([1-9][0-9]?|100)[×xX]([1-9][0-9]{0,2}|1000)")
_DIFFERING = re.compile("[1-9][0-9]?(?:-[1-9][0-9]?){1,999}")
_NOT_HANZI = re.compile(f"[^{HANZI}]")
_LINES = re.compile(f"[^{LINE_END}]*[{LINE_END}]+|[^{LINE_END}]+")


class Form(NamedTuple):
    """``lines`` lines of ``chars`` characters each, or lines that differ."""

    chars: int  # 0 if the lines differ
    lines: int
    differing: tuple[int, ...] = ()  # The characters of each line if they differ

    @classmethod
    def of(cls, lengths: Sequence[int]) -> "Form":
        """The form of lines of so many characters."""
        return cls(lengths[0], len(lengths)) if len(set(lengths)) == 1 else cls(0, len(lengths), tuple(lengths))

    @property
    def lengths(self) -> tuple[int, ...]:
        """The characters of each line."""
        return self.differing or (self.chars,) * self.lines

    def __str__(self) -> str:
        """The form's name, or ``5×2``, or ``3-5-7-7-5``, as :func:`form_named` takes them."""
        numbers = "-".join(map(str, self.differing)) or f"{self.chars}×{self.lines}"
        return next((name for name, form in FORMS.items() if form == self), numbers)


FORMS = {"五言绝句": Form(5, 4), "七言绝句": Form(7, 4), "五言律诗": Form(5, 8), "七言律诗": Form(7, 8)}
DEFAULT_FORM = "七言绝句"  # The form of poems if neither a start nor the training poems ask for one


def is_form(name: str) -> bool:
    """Whether :func:`form_named` knows ``name``."""
    return name in FORMS or bool(_EQUAL.fullmatch(name) or _DIFFERING.fullmatch(name))


def form_named(name: str) -> Form:
    """The form called ``name``, or 5×2 (also 5x2), or 3-5-7-7-5; an InputError if it is none of them."""
    if name in FORMS:
        return FORMS[name]
    if equal := _EQUAL.fullmatch(name):
        return Form(int(equal[1]), int(equal[2]))
    if _DIFFERING.fullmatch(name):
        return Form.of([int(length) for length in name.split("-")])
    raise InputError(
        f"form {name!r} is not known; the forms are {'，'.join(FORMS)}, or characters × lines, 5×2, "
        "or the characters of each line, 3-5-7-7-5"
    )


def longer(form: Form, lines: int) -> Form:
    """The form with ``form``'s lines and at least so many of them, a regulated one if there is any."""
    if lines <= form.lines:
        return form
    chars = form.chars or max(form.lengths)
    same = (known for known in FORMS.values() if known.chars == chars and known.lines >= lines)
    return next(same, Form(chars, lines + lines % 2))


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
    form = shape_of(text)
    return form if form.chars else None


def shape_of(text: str) -> Form:
    """The form of any poem."""
    return Form.of([len(hanzi(line)) for line in split_lines(text)] or [0])


def stanzas(text: str, lines: int) -> list[str]:
    """A poem of equally long lines cut into stanzas of ``lines``, without the last lines if they are too few for one.

    Other poems, and those that are no longer than a stanza, stay whole.
    """
    form, split = form_of(text), split_lines(text)
    if form is None or form.lines <= lines:
        return [text]
    return ["".join(split[i : i + lines]) for i in range(0, form.lines - lines + 1, lines)]
