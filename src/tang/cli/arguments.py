"""Quote a command line for Hydra, whose grammar refuses unquoted Chinese characters, a second ``=`` and more.

So ``start=日`` and ``ckpt=epoch=1.ckpt`` can be typed as they are.
"""

import os
import re

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

MULTIRUN = {"-m", "--multirun"}
PATHS = {"ckpt", "dir", "out", "to", "file", "init_from", "resume", "data.path", "data.dir", "data.cache"}


def arguments(given: list[str], lists: tuple[str, ...] = (), is_single: bool = False) -> list[str]:
    """The command line for Hydra: values quoted; for a sweep also the list of keys that it doesn't vary."""
    decoded = [_decoded(argument) for argument in given]
    is_sweep = bool(MULTIRUN & set(decoded))
    ready = [plain(argument, lists, is_sweep, is_single) for argument in decoded]
    if is_sweep:
        overrides = [parsed for argument in ready if (parsed := parse(argument))]
        constant = {str(override.key_or_group): None for override in overrides if not override.is_sweep_override()}
        groups = [o for o in overrides if o.is_sweep_override() and "." not in str(o.key_or_group)]
        if groups and not any(argument.startswith("hydra/sweeper=") for argument in ready):  # a search keeps constants
            ready = [_only_in_jobs(argument) for argument in ready]
        ready = ["-m", *(argument for argument in ready if argument not in MULTIRUN)]  # argparse wants flags first
        ready.append(f"hydra.job.config.override_dirname.exclude_keys={list(constant)}".replace(" ", ""))
    return ready


def _only_in_jobs(argument: str) -> str:
    """``key=value`` as a sweep over one value.

    Before the jobs Hydra composes a config without the swept keys. If a group is swept, a key that only its choices
    have (``experiment=names_rnn,names_lstm data.balanced=true``) would be refused there. A single ``experiment=``
    stays as it is, because Hydra reads the experiment's own sweep in that config.
    """
    name, equals, value = argument.partition("=")
    parsed = parse(argument)
    stays = not equals or name.lstrip("+~").startswith(("hydra", "experiment"))
    if stays or parsed is None or parsed.is_sweep_override():
        return argument
    inside = value if value.startswith(("[", "{")) else escaped(value)  # each job parses the quoted value
    return f"{name}=choice({inside})"


def _decoded(argument: str) -> str:
    """An argument typed as UTF-8, decoded as UTF-8 in any locale; others unchanged."""
    try:
        return os.fsencode(argument).decode("utf-8")
    except UnicodeDecodeError:  # GBK, in a locale that says so
        return argument


def plain(argument: str, lists: tuple[str, ...] = (), is_sweep: bool = False, is_single: bool = False) -> str:
    """``key=value`` with the value quoted if Hydra's grammar needs it; anything else unchanged.

    In a sweep a comma separates values; outside one it is an ordinary character of a path, and with ``is_single``, in a
    script that makes no sweeps, of any value.
    """
    name, equals, value = argument.partition("=")
    if argument.startswith("-") or not equals:
        return argument
    if name in lists and value != "null" and not is_sweep and not value.startswith(("[", "'", '"')):
        return f"{name}={_quoted(f'[{value}]')}"
    if parsed := parse(argument):
        is_one = (is_single or name in PATHS) and parsed.is_sweep_override() and not is_sweep
        return f"{name}={escaped(value)}" if is_one else argument
    values = re.findall(r"\[[^\]]*\]|[^,]+", value) if is_sweep else [value]  # a,[b,c] → a and [b,c]
    return f"{name}={','.join(map(_quoted, values))}"


def _quoted(value: str) -> str:
    if value.startswith("[") and value.endswith("]"):
        return f"[{','.join(_quoted(item) if item else escaped(item) for item in value[1:-1].split(','))}]"
    if parse(f"key={value}"):
        return value
    return escaped(value)


def escaped(value: str) -> str:
    """``value`` in single quotes; backslashes are escaped only before a quote, as Hydra reads them."""
    inside = re.sub(r"(\\+)(?='|$)", r"\1\1", value).replace("'", r"\'")
    return f"'{inside}'"


def parse(argument: str) -> Override | None:
    """An argument as Hydra parses it; None if its grammar refuses it."""
    try:
        return OverridesParser.create().parse_override(argument)
    except HydraException:
        return None
