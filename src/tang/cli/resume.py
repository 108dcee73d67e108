"""The command line of a run or a sweep that is resumed: ``resume=FOLDER``."""

from collections.abc import Sequence
from typing import Any

from hydra.core.override_parser.types import Override

from tang.atomic import atomic_write
from tang.cli.arguments import MULTIRUN, escaped, parse, plain
from tang.errors import InputError, expanded
from tang.runs.config import DEVICES, MAY_CHANGE
from tang.runs.find import latest_to_resume, run_at
from tang.runs.run import RunFolder
from tang.runs.sweep import SweepFolder, latest_sweep

UNSWEPT_KEYS = "hydra.job.config.override_dirname.exclude_keys"
"""Hydra's list of keys that the names of a sweep's folders leave out: those that the sweep doesn't vary."""

RESET_KEYS = {"hydra.mode", "hydra.sweep.dir", "hydra.sweep.subdir", UNSWEPT_KEYS}
"""Keys that are given anew when a sweep is resumed."""

JOB_FOLDER = "${run_name:${hydra.job.num},${hydra.job.override_dirname},${hydra.sweep.dir},FIRST}"
"""Folder of a job: the one that it had, or a new one numbered from FIRST on."""


def resumed(given: Sequence[str]) -> list[str]:
    """``given``, and if it has ``resume=``, the arguments of that run or sweep for the keys that it doesn't have.

    An InputError if the folder isn't that of a run, or with ``-m`` of a sweep.
    """
    name = next((argument.partition("=")[2] for argument in given if argument.startswith("resume=")), None)
    if name is None:
        return list(given)
    if MULTIRUN & set(given):
        return _of_sweep(given, latest_sweep("resume") if name == "latest" else SweepFolder(expanded("resume", name)))
    return _of_run(given, latest_to_resume() if name == "latest" else run_at(name, "resume"))


def _of_run(given: Sequence[str], folder: RunFolder) -> list[str]:
    """The arguments of a single run: Hydra works in its folder, and leaves its config there."""
    if SweepFolder(folder.path).is_sweep:
        raise InputError(f"resume={folder.path}: a sweep's folder; give -m too")
    if not folder.config.is_file():
        raise InputError(f"resume={folder.path}: no run's folder, {folder.config.relative_to(folder.path)} isn't there")
    folder.refuse_links()
    keys = [argument.partition("=")[0] for argument in given if "=" in argument]
    if others := [key for key in keys if not key.startswith(("resume", MAY_CHANGE, *DEVICES, "hydra"))]:
        may = f"{MAY_CHANGE}…, {', '.join(DEVICES)}"
        raise InputError(f"{others[0]}: a run is resumed with its own config; only {may} may be given")
    return [*given, f"hydra.run.dir={escaped(str(folder.path))}", "hydra.output_subdir=null"]


def _of_sweep(given: Sequence[str], folder: SweepFolder) -> list[str]:
    """The arguments of a sweep: those that it was first started with, changed by what is given now."""
    if not folder.is_sweep:
        raise InputError(
            f"resume={folder.path}: no sweep's folder, {folder.record.name} isn't there; "
            "a single run is resumed without -m"
        )
    if not folder.first_record.exists():
        atomic_write(folder.first_record, lambda file: file.write(folder.record.read_bytes()))
    before, constant = _started_with(folder)
    ready = [plain(argument, is_sweep=True) for argument in given if not argument.startswith("resume=")]
    now = {_key(argument): argument for argument in ready if "=" in argument}
    for key in now.keys() & before.keys() - constant:
        now[key] = _as_choice(now[key])
    groups = tuple(f"{key.replace('/', '.')}." for key in now if key.startswith("hydra/"))  # another launcher
    kept = {key: argument for key, argument in before.items() if not key.startswith(groups or ("/",))}
    return [
        *(argument for argument in ready if "=" not in argument),
        *{**kept, **now}.values(),
        f"hydra.sweep.dir={escaped(str(folder.path))}",
        f"hydra.sweep.subdir='{JOB_FOLDER.replace('FIRST', str(folder.next_number()))}'",
    ]


def _started_with(folder: SweepFolder) -> tuple[dict[str, str], set[str]]:
    """A sweep's first arguments by their keys, as they were typed, and the keys that it didn't vary."""
    overrides = {_key(argument): argument for argument in folder.first_overrides()}
    parsed = parse(overrides.get(UNSWEPT_KEYS, ""))
    constant: set[str] = set(map(str, parsed.value())) if parsed else set()  # type: ignore[arg-type]
    typed = {key: _as_single_value(argument) if key in constant else argument for key, argument in overrides.items()}
    return {key: argument for key, argument in typed.items() if key not in RESET_KEYS}, constant


def _as_single_value(argument: str) -> str:
    """``key=value`` of ``key=choice('value')``, the form that a sweep over a group gives its constant keys."""
    name, _, value = argument.partition("=choice(")
    if not value.startswith("'"):
        return f"{name}={value[:-1]}" if value else argument
    parsed = parse(argument)
    sweep: Any = parsed and parsed.value()
    return f"{name}={sweep.list[0]}"


def _as_choice(argument: str) -> str:
    """``key=choice(value)`` of ``key=value``: a key that folders are named by stays in their names."""
    parsed = parse(argument)
    if parsed is None or parsed.is_sweep_override():
        return argument
    name, _, value = argument.partition("=")
    return f"{name}=choice({value})"


def _key(argument: str) -> str:
    parsed: Override | None = parse(argument)
    return str(parsed.key_or_group) if parsed else argument.partition("=")[0].lstrip("+~")
