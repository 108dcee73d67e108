"""Dataclasses in JSON files, and a run's command line: read as files that anything may have happened to."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import yaml

from tang.atomic import write_text
from tang.errors import InputError

T = TypeVar("T")


def read_record(path: Path, kind: type[T]) -> T | None:
    """The ``kind`` in a file, None if there is no file; an InputError if it can't be read or has anything else."""
    if not path.exists():
        return None
    try:
        record = kind(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        raise _broken(path) from None
    if not all(_fits(getattr(record, name), hint) for name, hint in get_type_hints(kind).items()):
        raise _broken(path)
    return record


def write_record(path: Path, record: Any) -> None:
    """Write a dataclass of plain values."""
    write_text(path, json.dumps(asdict(record), ensure_ascii=False, indent=1))


def read_overrides(path: Path) -> dict[str, str]:
    """Key → value of Hydra's list of a command line, without keys that it deletes; an InputError if it is broken."""
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        raise _broken(path) from None
    if not _fits(given, list[str]):
        raise _broken(path)
    pairs = (override.lstrip("+").partition("=") for override in given if not override.startswith("~"))
    return {key: value for key, _, value in pairs}


def _broken(path: Path) -> InputError:
    return InputError(f"{path}: broken, or of another version; remove it, or put the old one back")


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value has a type of the records: a choice, a dict of one type of values, a list, or a plain type."""
    kind, inner = get_origin(hint) or hint, get_args(hint)
    if kind is Literal:
        return value in inner
    if kind in (dict, list):
        items = value.values() if isinstance(value, dict) else value
        return isinstance(value, kind) and all(_fits(item, inner[-1]) for item in items)
    return isinstance(value, int | float if kind is float else kind)
