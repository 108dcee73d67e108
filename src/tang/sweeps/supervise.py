"""Run one job of a sweep in a process of its own, so that no failure harms the other jobs."""

import logging
import math
import os
import signal
import sys
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from tang.atomic import write_text
from tang.config import typed
from tang.config.train import TrainConfig
from tang.errors import InputError
from tang.runs.config import MAY_CHANGE, changed_keys, flat
from tang.runs.run import FailureKind, RunFolder
from tang.sweeps.processes import Stopped, Worker, run

log = logging.getLogger(__name__)


def supervise(cfg: DictConfig) -> float:
    """The lowest ``val/loss`` of the job whose config Hydra has written to its folder; runs it unless it is finished.

    Infinite if it failed: ``failure.json`` says why. A sweep that is to stop ends as by
    :func:`tang.sweeps.processes.run`.
    """
    if Worker.stopped:
        raise Stopped
    os.chdir(HydraConfig.get().runtime.cwd)  # Ray's workers start in another folder
    folder = RunFolder(Path(HydraConfig.get().runtime.output_dir))
    folder.clear_failure()
    try:
        if typed(cfg, TrainConfig).trainer.strategy == "ddp":
            raise InputError(
                "trainer.strategy=ddp: a sweep's jobs have one device each; leave trainer=ddp out, or train one "
                "configuration at a time, without -m"
            )
        is_done = prepare(folder)
    except InputError as error:
        return fail(folder, "refused", str(error))
    if is_done:
        log.info("%s: done before", folder.path.name)
    else:
        log.info("run %s", folder.path.name)
        code = run([sys.executable, "-m", "tang.sweeps.job", str(folder.path)])
        if code and folder.read_failure() is None:
            fail(folder, "killed", how_it_ended(code))
    result = folder.read_result()
    return math.inf if result is None or folder.read_failure() else result.val_loss


def prepare(folder: RunFolder) -> bool:
    """Record the config that a new run starts with, or compare it with that of a run that is resumed.

    Hydra writes ``config.yaml`` anew whenever a sweep is resumed. Returns whether the run is finished already; an
    InputError if it was started with another config, or its result is broken.
    """
    if not folder.has_begun:
        write_text(folder.started, folder.config.read_text(encoding="utf-8"))
        return False
    if not folder.started.is_file():
        raise InputError(f"{folder.started}: isn't there; another sweep's folder can be resumed")
    before, after = (flat(OmegaConf.to_container(OmegaConf.load(path))) for path in (folder.started, folder.config))
    changed = changed_keys(before, after)
    if fixed := [key for key in changed if not key.startswith(MAY_CHANGE)]:
        write_text(folder.config, folder.started.read_text(encoding="utf-8"))
        raise InputError(
            f"{fixed[0]}={after.get(fixed[0])}: was {before.get(fixed[0])} when this run was started; "
            f"a run is resumed with its own config, only {MAY_CHANGE}* may change"
        )
    if changed:  # another end
        write_text(folder.started, folder.config.read_text(encoding="utf-8"))
        folder.clear_outcome()
    return folder.read_result() is not None


def fail(folder: RunFolder, kind: FailureKind, message: str) -> float:
    """Record and log why a run failed; returns infinity, its loss."""
    folder.write_failure(kind, message)
    log.error("failed: %s", message)
    return math.inf


def how_it_ended(code: int) -> str:
    """The meaning of a process's exit code other than 0."""
    if code >= 0:
        return f"ended with exit code {code}"
    name = signal.Signals(-code).name
    return f"killed by {name}" + ("; was memory short?" if name == "SIGKILL" else "")
