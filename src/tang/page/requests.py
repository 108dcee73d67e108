"""The browser's requests as the typed objects of the command line.

A request is a JSON object of keys of ``sample.py`` or ``check.py``, and checked by their schema. The page takes fewer
keys, none of which names a file, and bounds what would take long.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tang import config
from tang.cli.mistakes import explain
from tang.config.keys import Rule, as_typed, between
from tang.config.scripts import CheckConfig
from tang.errors import InputError
from tang.generation.request import Request, request_class
from tang.text.forms import form_named, hanzi

MAX_CHARACTERS = 256  # of a poem: a second's work
MAX_WORDS = 16

UNREADABLE = re.compile("\\${|[\ud800-\udfff]")  # OmegaConf would look up ${…}; half a character is no text

T = TypeVar("T")
Limits = Mapping[str, Rule | None]

ONE = Rule(lambda texts: len(texts) == 1 and len(texts[0]) <= 64, "one text of at most 64 characters")
WORDS = Rule(lambda words: len(words) <= MAX_WORDS, f"at most {MAX_WORDS} words")
FORM = Rule(lambda form: sum(form_named(form).lengths) <= MAX_CHARACTERS, f"at most {MAX_CHARACTERS} characters")
POEM = Rule(
    lambda poem: len(hanzi(poem)) <= MAX_CHARACTERS, f"at most {MAX_CHARACTERS} characters; check.py takes more"
)

WRITE: Limits = {
    **dict.fromkeys(("title", "temperature", "top_k", "top_p", "seed", "acrostic_at", "no_repeat", "rhyme", "tones")),
    "form": FORM,
    "start": ONE,
    "acrostic": ONE,
    "contains": WORDS,
    "avoid": WORDS,
    "n": between(1, 12),
    "candidates": between(1, 16),
}
"""The keys of a request for poems, and the limits that they have beside those of ``sample.py``."""

CHECK: Limits = {"poem": POEM, "suggestions": None}
"""The keys of a request for a report, likewise."""

_WriteRequest = request_class()
_DEFAULTS: dict[type, Any] = {schema: OmegaConf.structured(schema) for schema in (_WriteRequest, CheckConfig)}
"""Made once, which takes longer than to copy them, as each request does."""


def to_write(body: bytes) -> Request:
    """The request for poems in ``body``; an InputError if it is none."""
    return _typed(body, _WriteRequest, WRITE)


def to_check(body: bytes) -> CheckConfig:
    """The request for a report in ``body``; an InputError if it is none."""
    checked = _typed(body, CheckConfig, CHECK)
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
