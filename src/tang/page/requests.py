"""The browser's requests as the typed objects of the command line.

A request is a JSON object of keys of ``sample.py`` or ``check.py``, and checked by their schema. The page takes fewer
keys, none of which names a file, and bounds what would take long.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tang import config
from tang.cli.mistakes import explain
from tang.config.keys import Rule, as_typed, between
from tang.config.scripts import CheckConfig
from tang.errors import InputError
from tang.generation.request import Request, request_class
from tang.text.forms import LINE_END, PUNCTUATION, form_named, hanzi

MAX_CHARACTERS = 256  # of a poem: a second's work
MAX_WORDS = 16
MAX_GAPS = 64  # of all poems of a request together
CHOICES = 32  # characters that are weighed for a single gap, with all that follows it
WORK = 10_000  # signs of all particles of a request: two seconds' work
LEAST_PARTICLES, MOST_PARTICLES = 16, 128

UNREADABLE = re.compile("\\${|[\ud800-\udfff]")  # OmegaConf would look up ${…}; half a character is no text

T = TypeVar("T")
Limits = Mapping[str, Rule | None]

ONE = Rule(lambda texts: len(texts) == 1 and len(texts[0]) <= 64, "one text of at most 64 characters")
WORDS = Rule(lambda words: len(words) <= MAX_WORDS, f"at most {MAX_WORDS} words")
FORM = Rule(lambda form: sum(form_named(form).lengths) <= MAX_CHARACTERS, f"at most {MAX_CHARACTERS} characters")
GAPS = Rule(
    lambda poems: len(poems) == 1 and len(poems[0]) <= MAX_CHARACTERS, f"one poem of at most {MAX_CHARACTERS} signs"
)
POEM = Rule(
    lambda poem: len(hanzi(poem)) <= MAX_CHARACTERS, f"at most {MAX_CHARACTERS} characters; check.py takes more"
)

WRITE: Limits = {
    **dict.fromkeys(("title", "temperature", "top_k", "top_p", "seed", "acrostic_at", "no_repeat", "rhyme", "tones")),
    "form": FORM,
    "start": ONE,
    "poem": GAPS,
    "acrostic": ONE,
    "contains": WORDS,
    "avoid": WORDS,
    "n": between(1, 12),
    "candidates": between(1, 16),
}
"""The keys of a request for poems, and the limits that they have beside those of ``sample.py``."""

CHECK: Limits = {"poem": POEM, "suggestions": None}
"""The keys of a request for a report, likewise."""

INSIDE: Limits = {"poem": POEM}
"""The keys of a request for pictures, likewise."""

_WriteRequest = request_class()
_DEFAULTS: dict[type, Any] = {schema: OmegaConf.structured(schema) for schema in (_WriteRequest, CheckConfig)}
"""Made once, which takes longer than to copy them, as each request does."""


def to_write(body: bytes) -> Request:
    """The request for poems in ``body``; an InputError if it is none."""
    request = _typed(body, _WriteRequest, WRITE)
    return request if request.poem is None else _to_fill(request, request.poem[0])


def _to_fill(request: Request, poem: str) -> Request:
    """The request for a poem with gaps, with as much work as the page allows.

    The characters that fit a single gap are weighed one by one, which a beam does: they are certain to be the likeliest
    and to differ. More gaps are left to particles alone, whose poems differ from seed to seed.
    """
    for name in ("form", "acrostic"):  # they could ask for more lines than the poem has, and so for more gaps
        if getattr(request, name) is not None:
            raise InputError(f"{name}=: on the page poem= has its form and its beginnings; leave one of them out")
    if not set(poem) & set(LINE_END):
        raise InputError(f"poem={poem[:40]}: on the page its lines must end in marks")
    open = [symbol for symbol in poem if not (hanzi(symbol) or symbol in PUNCTUATION or symbol.isspace())]
    if request.used_n * len(open) > MAX_GAPS:
        raise InputError(f"poem={poem[:40]}: on the page n= times its gaps must be at most {MAX_GAPS}")
    if len(open) == 1:
        return replace(request, decode="beam", beam_size=CHOICES, temperature=None)
    particles = WORK // (request.used_n * len(poem))
    return replace(request, beam_size=0, particles=max(LEAST_PARTICLES, min(MOST_PARTICLES, particles)))


def to_check(body: bytes) -> CheckConfig:
    """The request for a report in ``body``; an InputError if it is none."""
    return _with_poem(body, CHECK)


def to_look_inside(body: bytes) -> CheckConfig:
    """The request for pictures in ``body``; an InputError if it is none."""
    return _with_poem(body, INSIDE)


def _with_poem(body: bytes, limits: Limits) -> CheckConfig:
    checked = _typed(body, CheckConfig, limits)
    if checked.poem is None:
        raise InputError("poem= is missing: give the text of a poem")
    return checked


def key_of(message: str, keys: Iterable[str]) -> str | None:
    """The first of ``keys`` that the message of an InputError names, as ``key=…`` or as its first word."""
    known = set(keys)
    return next((name for name in re.findall(r"\b[a-z_]+(?==)|^[a-z_]+", message) if name in known), None)


def _typed(body: bytes, schema: type[T], limits: Limits) -> T:
    values = _values(body)
    for name, value in values.items():
        if name not in limits:
            raise InputError(f"{name[:60]}: no such key; there are {', '.join(limits)}")
        _check_plain(name, value)
    try:
        merged = cast(DictConfig, OmegaConf.merge(_DEFAULTS[schema], values))
    except OmegaConfBaseException as error:
        raise InputError(explain(error, [f"{name}={as_typed(value)}" for name, value in values.items()])) from None
    request = config.typed(merged, schema)
    for name, rule in limits.items():
        if rule and (value := getattr(request, name)) is not None and not rule.holds(value):
            raise InputError(f"{name}={as_typed(value)[:40]}: on the page it must be {rule.allowed}")
    return request


def _values(body: bytes) -> dict[str, Any]:
    """The JSON object of a request; an InputError if it isn't one."""
    try:
        values = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):  # a number may have too many digits, a list be nested too deep
        raise InputError("the request can't be read: it must be JSON in UTF-8") from None
    if not isinstance(values, dict):
        raise InputError('the request must be a JSON object of keys and values, {"start": ["日"]}')
    return values


def _refuse_constant(name: str) -> None:
    raise ValueError(name)  # JSON has no NaN and no Infinity


def _check_plain(name: str, value: Any) -> None:
    """Refuse what isn't a plain value or a list of them, and texts that OmegaConf would resolve: an InputError."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, list | dict):
            raise InputError(f"{name}: must be a text, a number, true, false, null, or a list of texts")
        if isinstance(item, str) and (item == "???" or UNREADABLE.search(item)):
            raise InputError(f"{name}={item[:40]}: give Chinese characters")
