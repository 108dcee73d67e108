"""Run a script around Hydra: plain values on its command line, a typed config, one clear line for a mistake."""

import functools
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args, get_origin, get_type_hints

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from tang import config
from tang.atomic import disk_trouble
from tang.cli.arguments import MULTIRUN, arguments
from tang.cli.help import CONF, help_text
from tang.cli.mistakes import explain
from tang.cli.resume import resumed
from tang.console import show, use_utf8
from tang.errors import InputError, expanded
from tang.runs.ranks import follower_arguments, rank
from tang.runs.run import RunFolder
from tang.text.forms import hanzi

FLAGS = {  # Hydra's
    *("--help", "--hydra-help", "--version", "--cfg", "--resolve", "--package", "--run", "--multirun", "--info"),
    *("--shell-completion", "--config-path", "--config-name", "--config-dir", "--experimental-rerun"),
}

WANTS_TRACEBACK = os.environ.get("HYDRA_FULL_ERROR") == "1"  # as the user set it; main() sets it too

T = TypeVar("T")
Main = Callable[[], Any]


def script(
    schema: type[T],
    *,
    lists: tuple[str, ...] = (),
    unnamed: str | None = None,
    sweep: Callable[[Main], None] | None = None,
    job: Callable[[DictConfig], float] | None = None,
) -> Callable[[Callable[[T], Any]], Main]:
    """Decorator that turns a function of a typed config into a script: ``conf/NAME.yaml`` for ``src/NAME.py``.

    A user's mistake ends the script in one line with exit code 1.

    Args:
        schema: dataclass of the script's keys.
        lists: keys in groups for which, as for lists of ``schema``, ``key=a,b`` means ``key=[a,b]`` outside a sweep.
        unnamed: the key of Chinese arguments that have none; several are lines of one value.
        sweep: makes a sweep when ``-m`` is given, by calling its argument; None: the script makes no sweeps.
        job: runs one job of a sweep.
    """

    def decorate(task: Callable[[T], Any]) -> Main:
        name = Path(task.__code__.co_filename).stem
        config.register(**{name: schema})
        hints = get_type_hints(schema).items()
        own = [key for key, hint in hints if any(get_origin(kind) is list for kind in (hint, *get_args(hint)))]

        @functools.wraps(task)
        def run(cfg: DictConfig) -> Any:
            is_job = HydraConfig.get().mode == RunMode.MULTIRUN
            try:
                return job(cfg) if job and is_job else task(config.typed(cfg, schema))
            except InputError as error:
                if is_job:  # Hydra runs the other jobs
                    raise
                if HydraConfig.get().output_subdir and not rank():
                    RunFolder(Path(HydraConfig.get().runtime.output_dir)).remove_if_unused()
                _fail(error, [])
            except UnicodeEncodeError as error:
                _fail(InputError(f"{error.object}: no file can have this name in this locale; set PYTHONUTF8=1"), [])

        hydra_main: Main = hydra.main(version_base="1.3", config_path=str(CONF), config_name=name)(run)
        purpose = str(task.__globals__["__doc__"])
        return functools.partial(_main, hydra_main, name, purpose, (*lists, *own), unnamed, sweep)

    return decorate


def _main(
    main: Main,
    name: str,
    purpose: str,
    lists: tuple[str, ...],
    unnamed: str | None,
    sweep: Callable[[Main], None] | None,
) -> None:
    use_utf8()
    given, is_sweep = sys.argv[1:], bool(MULTIRUN & set(sys.argv))
    if unnamed:
        texts = [a for a in given if hanzi(a) and "=" not in a]
        given = [*(a for a in given if a not in texts), *([f"{unnamed}={chr(10).join(texts)}"] if texts else [])]
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra then raises its errors instead of printing them
    try:
        if flag := next((a for a in given if a.startswith("--") and a.partition("=")[0] not in FLAGS), None):
            key = flag.partition("=")[0].lstrip("-") or "key"
            raise InputError(f"{flag}: keys go without dashes, {key}=…; --help lists them")
        if is_sweep and sweep is None:
            raise InputError("-m: this script makes no sweeps" + "".join(f"; {key}=A,B takes a list" for key in lists))
        if is_sweep and (wide := next((a for a in given if re.match(r"trainer(\.strategy)?=.*ddp", a)), None)):
            raise InputError(f"{wide}: a sweep's runs have one device each; leave it out, or train one without -m")
        if {"--help", "-h"} & set(given):
            overrides = [a for a in arguments(given, lists, sweep is None) if "=" in a and not a.startswith("-")]
            output(help_text(name, purpose, overrides, sweep is not None), None)
            return
        if sweep:
            given = resumed(given)
        sys.argv[1:] = follower_arguments(arguments(given, lists, sweep is None))
        if sweep and is_sweep:
            sweep(main)
        else:
            main()
    except (InputError, HydraException, OmegaConfBaseException) as error:
        _fail(error, given)
    except (OSError, ValueError) as error:  # of Hydra's files in the run's folder
        if trouble := disk_trouble(error):
            _fail(InputError(trouble), given)
        raise
    except KeyboardInterrupt:
        sys.exit(130)


def _fail(error: Exception, given: list[str]) -> NoReturn:
    if WANTS_TRACEBACK and not rank():  # followers inherit the variable as run() has set it
        raise error
    sys.stderr.write(f"error{f' in process {rank()}' if rank() else ''}: {explain(error, given)}\n")
    sys.exit(1)


def check_output(path: str | None, overwrite: bool, key: str = "out") -> None:
    """Refuse an output file that can't be written, or is there already, before any work is done, with an InputError."""
    if path is not None:
        file = expanded(key, path)
        if file.is_dir() or not file.parent.is_dir():
            raise InputError(f"{key}={path}: {'this is a folder' if file.is_dir() else f'no folder {file.parent}'}")
        if file.is_file() and not overwrite:
            raise InputError(f"{key}={path}: is there already; give another name, or overwrite=true")


def output(text: str, path: str | None) -> None:
    """Print ``text``, or write it to the file ``path``; an InputError if that can't be written."""
    if path is None:
        show(text)
        return
    try:
        expanded("out", path).write_text(text + "\n", encoding="utf-8")
        sys.stderr.write(f"written to {path}\n")
    except OSError as error:
        raise InputError(f"out={path}: {error.strerror}") from None
