"""What every script does around Hydra: plain values in, one clear line out.

Hydra's grammar refuses Chinese characters, a second ``=`` and more, unless they are quoted twice;
:func:`plain` quotes them, so that ``start=日`` and ``ckpt=epoch=1.ckpt`` mean what they say.
"""

import difflib
import functools
import logging
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from tang.errors import InputError


class ScreenHandler(logging.StreamHandler[Any]):
    """Writes to the ``sys.stdout`` of the moment: a progress bar that redirects it stays whole."""

    def __init__(self) -> None:
        super().__init__(sys.stdout)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stdout
        super().emit(record)


class OursOrWarning(logging.Filter):
    """On the screen the libraries only warn; all they say is in the run's log file."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or record.name.split(".")[0] in ("tang", "train")


WANTS_TRACEBACK = os.environ.get("HYDRA_FULL_ERROR") == "1"  # as the user set it; run() sets it too

MULTIRUN = {"-m", "--multirun"}

PATHS = {"ckpt", "out", "init_from", "data.path", "data.dir", "data.cache"}

TYPES = {"Integer": "a whole number", "Float": "a number", "Boolean": "true or false", "String": "a text"}


def run(main: Callable[[], Any], *, lists: tuple[str, ...] = ()) -> None:
    """Call a ``@hydra.main`` function; a user's mistake becomes one line and exit code 1.

    Args:
        main: the script's function.
        lists: keys for which ``key=a,b`` and ``key=a`` mean ``key=[a,b]`` and ``key=[a]`` outside a sweep.
    """
    _speak_chinese()
    sys.argv[1:] = arguments(sys.argv[1:], lists)
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra then raises its errors instead of printing them
    try:
        main()
    except (InputError, HydraException, OmegaConfBaseException) as error:
        _fail(error)
    except KeyboardInterrupt:
        sys.exit(130)


def one_line(task: Callable[[DictConfig], Any]) -> Callable[[DictConfig], Any]:
    """Stands between ``@hydra.main`` and the function: its ``InputError`` ends the script in one line.

    In a sweep the error goes on to Hydra, which runs the other jobs.
    """

    @functools.wraps(task)
    def wrapped(config: DictConfig) -> Any:
        try:
            return task(config)
        except InputError as error:
            if HydraConfig.get().mode == RunMode.MULTIRUN:
                raise
            _fail(error)

    return wrapped


def _fail(error: Exception) -> NoReturn:
    if WANTS_TRACEBACK:
        raise error
    sys.stderr.write(f"error: {explain(error, sys.argv[1:])}\n")
    sys.exit(1)


def _speak_chinese() -> None:
    """Chinese goes out on any terminal: in its own encoding where that has it, else as UTF-8."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            try:
                "诗".encode(stream.encoding)
                stream.reconfigure(errors="replace")
            except UnicodeEncodeError:
                stream.reconfigure(encoding="utf-8", errors="replace")


def arguments(given: list[str], lists: tuple[str, ...] = ()) -> list[str]:
    """The command line as Hydra takes it: values quoted, and the keys that a sweep doesn't vary named."""
    decoded = [os.fsencode(argument).decode("utf-8", "surrogateescape") for argument in given]
    is_sweep = bool(MULTIRUN & set(decoded))
    ready = [plain(argument, lists, is_sweep) for argument in decoded]
    if is_sweep:
        overrides = [parsed for argument in ready if (parsed := _parse(argument))]
        constant = {str(override.key_or_group): None for override in overrides if not override.is_sweep_override()}
        ready = ["-m", *(argument for argument in ready if argument not in MULTIRUN)]  # argparse wants flags first
        ready.append(f"hydra.job.config.override_dirname.exclude_keys={list(constant)}".replace(" ", ""))
    return ready


def plain(argument: str, lists: tuple[str, ...] = (), is_sweep: bool = False) -> str:
    """``key=value`` with the value quoted where Hydra's grammar needs it; anything else as it is.

    In a sweep a comma separates values; in a path outside a sweep it is a character like others.
    """
    name, equals, value = argument.partition("=")
    if argument.startswith("-") or not equals:
        return argument
    if name in lists and value not in ("", "null") and not is_sweep and not value.startswith(("[", "'", '"')):
        return f"{name}={_quoted(f'[{value}]')}"
    if parsed := _parse(argument):
        is_path = name in PATHS and parsed.is_sweep_override() and not is_sweep
        return f"{name}='{value}'" if is_path else argument
    values = re.findall(r"\[[^\]]*\]|[^,]+", value) if is_sweep else [value]  # a,[b,c] → a and [b,c]
    return f"{name}={','.join(map(_quoted, values))}"


def _quoted(value: str) -> str:
    if value.startswith("[") and value.endswith("]"):
        return f"[{','.join(map(_quoted, value[1:-1].split(',')))}]"
    if _parse(f"key={value}"):
        return value
    escaped = re.sub(r"(\\*)(')", lambda match: match[1] * 2 + "\\'", value)
    return f"'{escaped}'"


def _parse(argument: str) -> Override | None:
    try:
        return OverridesParser.create().parse_override(argument)
    except HydraException:
        return None


def explain(error: Exception, given: list[str]) -> str:
    """One line that names the key and its value, and says what is allowed."""
    cause = error if isinstance(error, OmegaConfBaseException) else error.__cause__
    if isinstance(error, MissingConfigException) and error.options is not None:
        group, _, choice = (error.missing_cfg_file or "").rpartition("/")
        nearest, choices = _nearest(choice, error.options), ", ".join(error.options)
        return f"{group}={choice}: no such choice{nearest}; {group} is one of {choices}"
    if isinstance(error, OverrideParseException):
        return f"{error.override}: can't be read; write key=value"
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
        return f"{argument}: no such key{_nearest(name, known)}; {place} has {', '.join(known)}"
    if wrong_type := re.search(r"could not be converted to (\w+)", message):
        return f"{argument}: must be {TYPES.get(wrong_type[1], wrong_type[1])}"
    return f"{argument}: {message[:1].lower()}{message[1:]}"


def _nearest(name: str, known: Any) -> str:
    nearest = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {nearest[0]}?)" if nearest else ""


def check_output(path: str | None) -> None:
    """Refuse a file that can't be written, before the work that would be lost.

    Raises:
        InputError: the folder isn't there, or ``path`` is one.
    """
    if path is not None:
        file = Path(path).expanduser()
        if file.is_dir() or not file.parent.is_dir():
            raise InputError(f"out={path}: {'this is a folder' if file.is_dir() else f'no folder {file.parent}'}")


def output(text: str, path: str | None) -> None:
    """Print ``text``, or write it to the file ``path``.

    Raises:
        InputError: the file can't be written.
    """
    if path is None:
        print(text)
        return
    try:
        Path(path).expanduser().write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"out={path}: {error.strerror}") from None
