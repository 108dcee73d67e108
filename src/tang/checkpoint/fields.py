"""What a checkpoint says of its model, held against the config's schema before any memory is taken."""

import dataclasses
import math
import types
import typing
import unicodedata
from collections.abc import Mapping
from typing import Any

import torch

from tang.checkpoint.content import FOREIGN, OLDER, Declared, RefusedError, shown
from tang.config.data import NamesConfig, PoemsConfig
from tang.config.model import ClassifierConfig, LanguageModelConfig
from tang.corpus.names import LETTERS
from tang.data.vocabulary import SPECIALS
from tang.errors import InputError
from tang.tasks.base import Task
from tang.tasks.classifier import Classifier
from tang.tasks.language_model import LanguageModel
from tang.text.forms import FORMS, PUNCTUATION, hanzi

TASKS: dict[str, type[Task]] = {task.__name__: task for task in (LanguageModel, Classifier)}

SCHEMAS = {
    LanguageModel: {"model": LanguageModelConfig, "data": PoemsConfig},
    Classifier: {"model": ClassifierConfig, "data": NamesConfig},
}

MAX_INTEGER = 2**32
MAX_SYMBOLS = 2**16
MAX_LANGUAGES = 1000
MAX_TEXT = 4096
"""Characters of a path, about what operating systems take."""
STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode's categories of what no text may have: it comes into messages and the log, and steers terminals."""

T = typing.TypeVar("T", bound=Task)

NEWER = "it is from a newer version of this project, or from none; update, or give another"


def task_of(values: Mapping[str, Any]) -> type[Task]:
    """The class of the model in a checkpoint.

    Raises:
        RefusedError: it is another project's, or one of an older version.
    """
    described = values.get("hyper_parameters")
    if "task" in values and (type(values["task"]) is not str or values["task"] not in TASKS):
        raise RefusedError(f"is of a task {shown(values['task'])}, which is not known here", NEWER)
    if type(values.get("state_dict")) is dict and type(described) is dict:
        if "task" in values:
            return TASKS[values["task"]]
        if "model" in described and ("vocabulary" in described or "languages" in described):
            raise RefusedError("doesn't say which task it is of", OLDER)
    if values and all(type(value) is Declared for value in values.values()):
        raise RefusedError("holds weights alone (a state dict)")
    if "pytorch-lightning_version" in values:
        raise RefusedError("is a Lightning checkpoint of another project's module")
    raise RefusedError("has no task, hyper_parameters and state_dict")


def check_fields(task: type[Task], described: Mapping[str, Any]) -> None:
    """Refuse ``hyper_parameters`` that ``task`` wouldn't have saved.

    Raises:
        RefusedError: names the field.
    """
    _check_names("hyper_parameters", described, task.saved)
    for group, schema in SCHEMAS[task].items():
        _check_group(group, described[group], schema)
    if not _is_text(described["corpus"]):
        raise RefusedError(f"corpus is {shown(described['corpus'])}, which must be a text")
    if task is LanguageModel:
        if described["form"] not in list(FORMS):
            raise RefusedError(f"form is {shown(described['form'])}, which must be one of {', '.join(FORMS)}")
        _check_vocabulary(described["vocabulary"])
    else:
        if described["letters"] != LETTERS:
            raise RefusedError(f"letters is {shown(described['letters'])}, not the {len(LETTERS)} that names have")
        _check_languages(described["languages"])


def _check_names(where: str, given: Any, known: typing.Iterable[str]) -> None:
    if type(given) is not dict:
        raise RefusedError(f"{where} is {shown(given)}, not a dict")
    if missing := [name for name in known if name not in given]:
        raise RefusedError(f"{where} has no {', '.join(missing)}", OLDER)
    if unknown := [name for name in given if name not in known]:
        raise RefusedError(f"{where} has an unknown {shown(unknown[0])}", NEWER)


def _check_group(group: str, given: Any, schema: type) -> None:
    """Hold a group of the config against its schema, as Hydra and :func:`tang.config.check` do when it is given."""
    fields = {field.name: field for field in dataclasses.fields(schema) if not field.name.startswith("_")}
    hints = typing.get_type_hints(schema)
    _check_names(group, given, fields)
    for name, value in given.items():
        if type(value) is str and not _is_text(value):
            raise RefusedError(f"{group}.{name} is {shown(value)}, too long or with characters that steer a terminal")
        if not _is_of(value, hints[name]):
            raise RefusedError(f"{group}.{name} is {shown(value)}, which it can't be")
        rule = fields[name].metadata.get("rule")
        if rule and value is not None and not rule.holds(value):
            raise RefusedError(f"{group}.{name} is {shown(value)}, which must be {rule.allowed}")


def _is_of(value: Any, hint: Any) -> bool:
    """Whether a value is of the type that a field has: one of the plain ones, list[str], or a union of them."""
    if typing.get_origin(hint) is types.UnionType:
        return any(_is_of(value, each) for each in typing.get_args(hint))
    if typing.get_origin(hint) is list:
        return type(value) is list and len(value) <= MAX_LANGUAGES and all(map(_is_text, value))
    if hint is str:
        return _is_text(value)
    if hint is int:
        return type(value) is int and abs(value) < MAX_INTEGER
    if hint is float:
        return type(value) in (int, float) and math.isfinite(value)
    return value is None if hint is types.NoneType else type(value) is hint


def _is_text(value: Any) -> bool:
    return type(value) is str and len(value) <= MAX_TEXT and STEERING.isdisjoint(map(unicodedata.category, value))


def _check_vocabulary(symbols: Any) -> None:
    if type(symbols) is not list or not len(SPECIALS) < len(symbols) <= MAX_SYMBOLS:
        raise RefusedError(f"vocabulary must be a list of {len(SPECIALS) + 1} to {MAX_SYMBOLS:,} symbols")
    if tuple(symbols[: len(SPECIALS)]) != SPECIALS:
        raise RefusedError(f"vocabulary doesn't begin with {' '.join(SPECIALS)}")
    for symbol in symbols[len(SPECIALS) :]:
        if type(symbol) is not str or len(symbol) != 1 or not (hanzi(symbol) or symbol in PUNCTUATION):
            raise RefusedError(f"vocabulary has {shown(symbol)}, which is no Chinese character and no mark")
    if len(set(symbols)) < len(symbols):
        raise RefusedError("vocabulary has a symbol twice")
    if not any(map(hanzi, symbols[len(SPECIALS) :])):
        raise RefusedError("vocabulary has no Chinese character")


def _check_languages(languages: Any) -> None:
    if type(languages) is not list or not 2 <= len(languages) <= MAX_LANGUAGES:
        raise RefusedError(f"languages must be a list of 2 to {MAX_LANGUAGES}")
    if not all(map(_is_text, languages)) or len(set(languages)) < len(languages):
        raise RefusedError("languages must be texts, each once, without characters that steer a terminal")


def declared_model(task: type[Task], described: Mapping[str, Any], state: Mapping[str, Any]) -> Task:
    """The model without memory (on the meta device), once every tensor has the shape that its sizes imply.

    Raises:
        RefusedError: a tensor is missing, unknown, of another shape, or no floating-point numbers.
    """
    try:
        with torch.device("meta"):
            model = build(task, described)
    except InputError as error:  # settings that exclude each other
        raise RefusedError(str(error), FOREIGN) from None
    expected = model.state_dict()
    again = tied(model)
    if missing := [name for name in expected if name not in state and name not in again]:
        raise RefusedError(f"has no weights {missing[0]}")
    for name, tensor in state.items():
        if name not in expected:
            raise RefusedError(f"has weights {shown(name)} that its model hasn't")
        if type(tensor) is not Declared or not tensor.dtype.is_floating_point:
            raise RefusedError(f"{name} isn't a tensor of floating-point numbers")
        if tensor.shape != tuple(expected[name].shape):
            implied = tuple(expected[name].shape)
            raise RefusedError(f"{name} has the shape {tensor.shape}, its sizes imply {implied}")
    return model


def build(task: type[T], described: Mapping[str, Any]) -> T:
    """The untrained model; PyTorch computes it, whatever did in training."""
    return task(**{**described, "model": {**described["model"], "backend": "torch"}})


def tied(model: Task) -> dict[str, str]:
    """Of weights that stand under several names, each but the first → the first."""
    first: dict[int, str] = {}
    names = ((name, first.setdefault(id(tensor), name)) for name, tensor in model.state_dict(keep_vars=True).items())
    return {name: original for name, original in names if name != original}
