"""Which checkpoint or run a path means: a file, a run's folder or a sweep's."""

import logging
from collections.abc import Iterator
from pathlib import Path

from tang.config.keys import SHIPPED
from tang.errors import InputError, expanded
from tang.runs.run import BEST, OUTPUTS, RunFolder
from tang.runs.sweep import SweepFolder

log = logging.getLogger(__name__)

LATEST = "latest"
SHIPPED_MODEL = Path(__file__).parent.parent / "shipped" / "model.safetensors"


def checkpoint_at(name: str, key: str = "ckpt") -> Path:
    """The checkpoint that ``key=name`` means: a file, of a run's folder its best, of a sweep's its best run's best.

    ``shipped`` is the model that comes with the project. An InputError if there is none.
    """
    if name == SHIPPED:
        return SHIPPED_MODEL
    try:
        path = Path(name).expanduser()
        if path.is_file():
            return path
        if not path.is_dir():
            problem = "this is a pipe or a device; give a file" if path.exists() else "no such file"
        elif (best := RunFolder(path).best).is_file():
            return best
        elif SweepFolder(path).is_sweep:
            if found := next(_best_first(SweepFolder(path)), None):
                return found
            problem = "none of this sweep's runs has a best checkpoint yet"
        else:
            problem = f"this is a folder without {BEST}; give a run's folder, a sweep's, or a file"
    except (OSError, RuntimeError) as error:  # the name is too long, or ~user has no home
        problem = str(error)
    raise InputError(f"{key}={name}: {problem}")


def check_checkpoint(name: str, key: str = "ckpt") -> None:
    """Raise InputError if ``key=name`` means no checkpoint, before anything that takes long is imported."""
    if name != LATEST:
        checkpoint_at(name, key)


def best_checkpoints() -> Iterator[Path]:
    """The best checkpoint of every run below ``outputs/``: the newest run's first, but of a sweep its best run's.

    Runs that ended without a step of training are left out, and those whose result is broken.
    """
    found = sorted(filter(Path.is_file, OUTPUTS.rglob(BEST)), key=lambda path: path.stat().st_mtime, reverse=True)
    seen: set[Path] = set()  # Checkpoints, and folders of sweeps
    for path in filter(_is_trained, found):
        sweep = SweepFolder(path.parents[2])
        is_new = sweep.path not in seen and sweep.is_sweep
        seen.add(sweep.path)
        for best in [*(_best_first(sweep) if is_new else ()), path]:
            if best not in seen:
                seen.add(best)
                yield best


def _is_trained(best: Path) -> bool:
    try:
        result = RunFolder(best.parents[1]).read_result()
    except InputError as error:
        log.warning("ignored: %s", error)
        return False
    return result is None or result.steps > 0 or not result.ended_by  # earlier versions didn't count the steps


def _best_first(sweep: SweepFolder) -> Iterator[Path]:
    """The best checkpoints of a sweep's finished runs, that with the lowest loss first."""
    yield from (run.folder.best for run in sweep.runs() if run.result and run.folder.best.is_file())


def run_at(name: str, key: str) -> RunFolder:
    """The run that ``key=name`` means: its folder, or a checkpoint in it."""
    path = expanded(key, name)
    return RunFolder(path.parents[1] if path.is_file() and path.parent.name == "checkpoints" else path)


def latest_to_resume() -> RunFolder:
    """The run with the newest ``last.ckpt``, a finished one only if there is no other; an InputError without any."""
    found = [path.parents[1] for path in OUTPUTS.rglob("checkpoints/last.ckpt")]
    runs = [RunFolder(path) for path in found if not SweepFolder(path.parent).is_sweep]
    if not runs:
        raise InputError(f"resume=latest: no run below {OUTPUTS} has a checkpoints/last.ckpt; train first")
    return max(runs, key=lambda run: (not run.is_finished, run.last.stat().st_mtime))
