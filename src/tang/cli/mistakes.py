"""Explain an error of Hydra or OmegaConf in one line: the key, its value, and what is allowed."""

import difflib
import re
from collections.abc import Iterator
from typing import Any

from hydra.errors import MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tang.errors import InputError

TYPES = {"Integer": "a whole number", "Float": "a number", "Boolean": "true or false", "String": "a text"}


def explain(error: Exception, given: list[str]) -> str:
    """The message for ``error``, with the key as it was typed on the command line ``given``."""
    if isinstance(error, InputError):
        return str(error)
    cause = error if isinstance(error, OmegaConfBaseException) else error.__cause__
    if isinstance(error, MissingConfigException) and error.options is not None:
        group, _, choice = (error.missing_cfg_file or "").rpartition("/")
        nearest, choices = _hint(_nearest(choice, error.options)), ", ".join(error.options)
        return f"{group}={choice}: no such choice{nearest}; {group} is one of {choices}"
    if isinstance(error, OverrideParseException):
        return f"{error.override}: can't be read; write key=value, without spaces"
    if isinstance(cause, OmegaConfBaseException) and cause.full_key:
        return _explain_key(cause, given)
    message = " ".join(str(error).split())
    if unknown := re.match(r"Could not override '([^']*)'", message):
        argument = next((a for a in given if a.partition("=")[0] == unknown[1]), unknown[1])
        return f"{argument}: no such group; --help lists the groups and keys of this script"
    if ambiguous := re.match(r"Ambiguous value for argument '([^']*)'", message):
        return f"{ambiguous[1]}: several values need -m (a sweep) or brackets (a list)"
    return message


def _explain_key(error: OmegaConfBaseException, given: list[str]) -> str:
    key = re.sub(r"\[\d+\]$", "", str(error.full_key))  # of an item the list's
    typed = {argument.partition("=")[0].lstrip("+~"): argument for argument in given}
    argument = next((typed[k] for k in typed if k == key or k.startswith(f"{key}.")), key)
    message = " ".join(str(error.msg).split()).split(" full_key:")[0]
    if "not in struct" in message or "not in '" in message:
        parent, _, name = key.rpartition(".")
        known = [k for k in map(str, error.parent_node or {}) if not k.startswith("_") and k != "hydra"]
        last = argument.partition("=")[0].rpartition(".")[2]
        elsewhere = [path for path in _paths(error.parent_node) if path.rpartition(".")[2] == last]
        nearest = elsewhere or [other for other in known if name in other.split("_")] or _nearest(name, known)
        there = f"{parent or 'the config'} has {', '.join(known)}" if known else f"give {parent}=… too"
        return f"{argument}: no such key{_hint(nearest)}; {there}"
    if "NoneType is not a subclass of" in message:
        return f"{argument}: null can't be in a list"
    if "is not a subclass of" in message:
        keys = [k for k in map(str, (error.parent_node or {}).get(key.rpartition(".")[2]) or {}) if k[0] != "_"]
        return f"{argument}: is a group of keys; give {' or '.join(f'{key}.{name}=…' for name in keys)}"
    if "is not a ListConfig" in message:
        return f"{argument}: must be a list, {key}=[…]"
    if "is not Optional" in message or "Incompatible value 'None'" in message:
        return f"{argument}: can't be null"
    if "is not a valid bool" in message:
        return f"{argument}: must be {TYPES['Boolean']}"
    if wrong_type := re.search(r"could not be converted to (\w+)", message):
        return f"{argument}: must be {TYPES.get(wrong_type[1], wrong_type[1])}"
    return f"{argument}: {message[:1].lower()}{message[1:]}"


def _paths(node: Any) -> Iterator[str]:
    """The dotted names of all keys of the config that ``node`` is a part of."""

    def walk(config: DictConfig, path: str) -> Iterator[str]:
        for name in map(str, config):
            if not name.startswith("_") and (path or name != "hydra"):
                yield f"{path}{name}"
                is_open = OmegaConf.is_missing(config, name) or OmegaConf.is_interpolation(config, name)
                if not is_open and isinstance(config[name], DictConfig):
                    yield from walk(config[name], f"{path}{name}.")

    return walk(node._get_root(), "") if node is not None else iter(())


def _nearest(name: str, known: Any) -> list[str]:
    return difflib.get_close_matches(name, list(known), n=1)


def _hint(nearest: list[str]) -> str:
    return f" (did you mean {' or '.join(nearest[:3])}?)" if nearest else ""
