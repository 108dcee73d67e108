"""One job of a sweep, seen from outside: it trains in a process of its own, and harms no other."""

import json
import logging
import math
import signal
import sys
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from tang import config
from tang.atomic import write_text_whole
from tang.errors import InputError
from tang.runs.config import FILE as CONFIG
from tang.runs.config import MAY_CHANGE
from tang.runs.folder import FAILURE, RESULT
from tang.sweeps.processes import Stopped, Worker, run

log = logging.getLogger(__name__)

STARTED = ".hydra/started.yaml"
"""The config that the run in a folder has; Hydra writes ``config.yaml`` anew whenever a sweep goes on."""


def supervise(cfg: DictConfig, folder: Path) -> float:
    """Run the job whose config Hydra has put into ``folder``, unless it is done.

    Returns:
        its best ``val/loss``; infinite if it failed. Then ``failure.txt`` says why.

    Raises:
        BaseException: the sweep is to stop; see :func:`tang.sweeps.processes.run`.
    """
    if Worker.stopped:
        raise Stopped
    (folder / FAILURE).unlink(missing_ok=True)
    try:
        config.check(cfg)
        if cfg.trainer.strategy == "ddp":
            raise InputError(
                f"trainer.strategy={cfg.trainer.strategy}: a sweep's jobs have one device each; "
                "leave trainer=ddp out, or train one setting at a time, without -m"
            )
        if is_done(folder):
            log.info("%s: done before", folder.name)
            return _loss(folder)
    except InputError as error:
        return fail(folder, str(error))
    code = run([sys.executable, "-m", "tang.sweeps.job", str(folder)])
    if code == 0:
        return _loss(folder)
    if not (folder / FAILURE).exists():
        fail(folder, how_it_ended(code))
    return math.inf


def is_done(folder: Path) -> bool:
    """Whether the run has come to its end; what it begins, or goes on, with is kept.

    Raises:
        InputError: it was begun with another config.
    """
    started, now = folder / STARTED, folder / CONFIG
    result = folder / RESULT
    if not result.exists() and not (folder / "checkpoints" / "last.ckpt").exists():
        write_text_whole(started, now.read_text(encoding="utf-8"))
        return False
    if not started.is_file():
        raise InputError(f"{started}: isn't there; another sweep's folder can be resumed")
    before, after = (_flat(OmegaConf.to_container(OmegaConf.load(path))) for path in (started, now))
    changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    if fixed := [key for key in changed if not key.startswith(MAY_CHANGE)]:
        write_text_whole(now, started.read_text(encoding="utf-8"))
        raise InputError(
            f"{fixed[0]}={after.get(fixed[0])}: was {before.get(fixed[0])} when this run began; "
            "of a run that goes on only trainer.max_* may change"
        )
    if changed:  # it goes on, to another end
        write_text_whole(started, now.read_text(encoding="utf-8"))
        result.unlink(missing_ok=True)
    return result.exists()


def fail(folder: Path, reason: str) -> float:
    """Keep and log why a run failed; returns infinity."""
    (folder / FAILURE).write_text(reason + "\n", encoding="utf-8")
    log.error("failed: %s", reason)
    return math.inf


def how_it_ended(code: int) -> str:
    """What an exit code that isn't 0 says."""
    if code >= 0:
        return f"ended with exit code {code}"
    name = signal.Signals(-code).name
    return f"killed by {name}" + ("; was memory short?" if name == "SIGKILL" else "")


def _loss(folder: Path) -> float:
    return float(json.loads((folder / RESULT).read_text(encoding="utf-8"))["val_loss"])


def _flat(settings: Any, path: str = "") -> dict[str, Any]:
    """The values of a config by their keys, ``optimizer.lr``."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        full = f"{path}{name}"
        flat |= _flat(value, f"{full}.") if isinstance(value, dict) else {full: value}
    return flat
