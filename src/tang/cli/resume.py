"""``-m … resume=SWEEP_DIR``: the command line of a sweep that goes on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.types import Override

from tang.atomic import write_whole
from tang.cli.arguments import MULTIRUN, escaped, parse, plain
from tang.errors import InputError
from tang.runs.config import FILE as CONFIG
from tang.runs.config import MAY_CHANGE, refuse_links
from tang.runs.folder import RESULT, STUDY

SWEEP = "multirun.yaml"
"""In a sweep's folder: Hydra's record of how it was started the last time."""

FIRST = "started.yaml"
"""The same of the first time, kept when it is first resumed: a part of the sweep may be resumed alone."""

CONSTANT = "hydra.job.config.override_dirname.exclude_keys"
"""The keys that the names of a sweep's folders leave out: those it doesn't vary."""

OURS = {"hydra.mode", "hydra.sweep.dir", "hydra.sweep.subdir", CONSTANT}
"""Keys that this package gives anew."""

NAME = "${run_name:${hydra.job.num},${hydra.job.override_dirname},${hydra.sweep.dir},FIRST}"
"""Of a job's folder: the one that it had, or a new one."""


def resumed(given: Sequence[str]) -> list[str]:
    """``given`` with the arguments of the sweep that ``resume=`` names, for those keys that it doesn't have itself.

    Raises:
        InputError: the folder isn't a sweep's, or is one and ``-m`` is missing.
    """
    name = next((argument.partition("=")[2] for argument in given if argument.startswith("resume=")), None)
    if name == "latest":
        name = _newest(
            f"outputs/sweeps/*/{SWEEP}" if MULTIRUN & set(given) else "outputs/train/*/checkpoints/last.ckpt"
        )
    folder = None if name is None else Path(name).expanduser()
    is_sweep = folder is not None and (folder / SWEEP).is_file()
    if not MULTIRUN & set(given):
        if is_sweep:
            raise InputError(f"resume={folder}: a sweep's folder; give -m too")
        return list(given) if folder is None else _of_run(given, folder)
    if folder is None:
        return list(given)
    if (folder / STUDY).is_file():
        raise InputError(
            f"resume={folder}: a search's folder; the same command again, without resume=, goes on with it"
        )
    if not is_sweep:
        raise InputError(f"resume={folder}: no sweep's folder, {SWEEP} isn't there; a single run goes on without -m")

    if not (folder / FIRST).exists():
        write_whole(folder / FIRST, lambda file: file.write((folder / SWEEP).read_bytes()))
    before, constant = _started_with(folder / FIRST)
    ready = [plain(argument, is_sweep=True) for argument in given if not argument.startswith("resume=")]
    now = {_key(argument): argument for argument in ready if "=" in argument}
    for key in now.keys() & before.keys() - constant:
        now[key] = _varied(now[key])
    groups = tuple(f"{key.replace('/', '.')}." for key in now if key.startswith("hydra/"))  # another launcher
    kept = {key: argument for key, argument in before.items() if not key.startswith(groups or ("/",))}
    return [
        *(argument for argument in ready if "=" not in argument),
        *{**kept, **now}.values(),
        f"hydra.sweep.dir={escaped(str(folder))}",
        f"hydra.sweep.subdir='{NAME.replace('FIRST', str(_next_number(folder)))}'",
    ]


def _newest(files: str) -> str:
    """The folder, of a run or a sweep, with the newest such file; a finished run's only if there is no other."""
    folders = {Path(*path.parts[:3]): path.stat().st_mtime for path in Path().glob(files)}
    if not folders:
        raise InputError(f"resume=latest: there is no {files}")
    return str(max(folders, key=lambda folder: (not (folder / RESULT).exists(), folders[folder])))


def _of_run(given: Sequence[str], folder: Path) -> list[str]:
    """The arguments of a single run that goes on: Hydra works in its folder, and leaves its config there."""
    if not (folder / CONFIG).is_file():
        raise InputError(f"resume={folder}: no run's folder, {CONFIG} isn't there")
    refuse_links(folder)
    keys = [argument.partition("=")[0] for argument in given if "=" in argument]
    if others := [key for key in keys if not key.startswith(("resume", MAY_CHANGE, "hydra"))]:
        raise InputError(f"{others[0]}: a run goes on with its own config; only {MAY_CHANGE}… may be given")
    return [*given, f"hydra.run.dir={escaped(str(folder))}", "hydra.output_subdir=null"]


def _next_number(folder: Path) -> int:
    """Of a sweep's next job."""
    numbers = (path.name.partition("_")[0] for path in folder.iterdir() if path.is_dir())
    return 1 + max((int(number) for number in numbers if number.isdecimal()), default=-1)


def _started_with(file: Path) -> tuple[dict[str, str], set[str]]:
    """A sweep's arguments by their keys, as they were typed, and those among the keys that it didn't vary."""
    try:
        recorded: Any = yaml.safe_load(file.read_text(encoding="utf-8"))["hydra"]["overrides"]
    except (yaml.YAMLError, ValueError, TypeError, KeyError):
        raise InputError(f"{file}: broken; give the sweep's keys again, with hydra.sweep.dir={file.parent}") from None
    overrides = {_key(argument): argument for argument in [*recorded["hydra"], *recorded["task"]]}
    parsed = parse(overrides.get(CONSTANT, ""))
    constant: set[str] = set(map(str, parsed.value())) if parsed else set()  # type: ignore[arg-type]
    typed = {key: _once(argument) if key in constant else argument for key, argument in overrides.items()}
    return {key: argument for key, argument in typed.items() if key not in OURS}, constant


def _once(argument: str) -> str:
    """``key=value`` of ``key=choice('value')``, as which a sweep over a group has its constant keys."""
    name, _, value = argument.partition("=choice(")
    if not value.startswith("'"):
        return f"{name}={value[:-1]}" if value else argument
    parsed = parse(argument)
    sweep: Any = parsed and parsed.value()
    return f"{name}={sweep.list[0]}"


def _varied(argument: str) -> str:
    """``key=choice(value)`` of ``key=value``: one of several values that the folders are named by."""
    parsed = parse(argument)
    if parsed is None or parsed.is_sweep_override():
        return argument
    name, _, value = argument.partition("=")
    return f"{name}=choice({value})"


def _key(argument: str) -> str:
    parsed: Override | None = parse(argument)
    return str(parsed.key_or_group) if parsed else argument.partition("=")[0].lstrip("+~")
