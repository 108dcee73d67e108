"""Explain an error of Hydra or OmegaConf in one line: the key, its value, and what is allowed."""

import difflib
import re
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
        nearest, choices = _nearest(choice, error.options), ", ".join(error.options)
        return f"{group}={choice}: no such choice{nearest}; {group} is one of {choices}"
    if isinstance(error, OverrideParseException):
        return f"{error.override}: can't be read; write key=value, without spaces"
    if isinstance(cause, OmegaConfBaseException) and cause.full_key:
        return _explain_key(cause, given)
    message = " ".join(str(error).split())
    if ambiguous := re.match(r"Ambiguous value for argument '([^']*)'", message):
        return f"{ambiguous[1]}: several values need -m (a sweep) or brackets (a list)"
    return message


def _explain_key(error: OmegaConfBaseException, given: list[str]) -> str:
    key = str(error.full_key)
    argument = next((a for a in given if a.partition("=")[0].lstrip("+~") == key), key)
    message = " ".join(str(error.msg).split()).split(" full_key:")[0]
    if "not in struct" in message or "not in '" in message:
        parent, _, name = key.rpartition(".")
        known = [str(k) for k in (error.parent_node or {}) if not str(k).startswith("_") and k != "hydra"]
        place = parent or "the config"
        within = [f"{group}.{name}" for group in known if name in _keys(error.parent_node, group)]
        nearest = f" (did you mean {' or '.join(within)}?)" if within else _nearest(name, known)
        return f"{argument}: no such key{nearest}; {place} has {', '.join(known)}"
    if "is not a ListConfig" in message:
        return f"{argument}: must be a list, {key}=[…]"
    if "is not Optional" in message:
        return f"{argument}: can't be null"
    if wrong_type := re.search(r"could not be converted to (\w+)", message):
        return f"{argument}: must be {TYPES.get(wrong_type[1], wrong_type[1])}"
    return f"{argument}: {message[:1].lower()}{message[1:]}"


def _keys(config: DictConfig, group: str) -> list[str]:
    if OmegaConf.is_missing(config, group) or OmegaConf.is_interpolation(config, group):
        return []
    return list(map(str, config[group])) if isinstance(config[group], DictConfig) else []


def _nearest(name: str, known: Any) -> str:
    nearest = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {nearest[0]}?)" if nearest else ""
