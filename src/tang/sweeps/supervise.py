"""Run one job of a sweep in a process of its own, so that no failure harms the other jobs."""

import logging
import math
import os
import signal
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from tang.atomic import write_text
from tang.config import typed
from tang.config.train import TrainConfig
from tang.errors import InputError
from tang.runs.config import MAY_CHANGE, changed_keys, flat
from tang.runs.run import RunFolder
from tang.sweeps.job import fail
from tang.sweeps.processes import Job, run_all, start

log = logging.getLogger(__name__)


def supervise(cfg: DictConfig) -> float:
    """The lowest ``val/loss`` of the job whose config Hydra has written to its folder; runs it unless it is finished.

    Infinite if it failed: ``failure.json`` says why. A sweep that is to stop ends as by
    :func:`tang.sweeps.processes.run_all`.
    """
    os.chdir(HydraConfig.get().runtime.cwd)  # Ray's workers start in another folder
    folder = RunFolder(Path(HydraConfig.get().runtime.output_dir))
    if is_to_run(folder, cfg):
        run_all(iter([start(folder, prefix=f"[{folder.number}] ")]), 1, record_end)
    return loss(folder)


def is_to_run(folder: RunFolder, cfg: DictConfig) -> bool:
    """Whether a job is neither finished nor refused; clears the failure of an earlier attempt."""
    folder.clear_failure()
    try:
        if typed(cfg, TrainConfig).trainer.strategy == "ddp":
            raise InputError(
                "trainer.strategy=ddp: a sweep's jobs have one device each; leave trainer=ddp out, or train one "
                "configuration at a time, without -m"
            )
        is_done = prepare(folder)
    except InputError as error:
        fail(folder, "refused", str(error))
        return False
    log.info(f"{folder.path.name}: done before" if is_done else f"run {folder.path.name}")
    return not is_done


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
    started, now = (path.read_text(encoding="utf-8") for path in (folder.started, folder.config))
    if started == now:
        return folder.read_result() is not None
    before, after = (flat(OmegaConf.to_container(OmegaConf.create(text))) for text in (started, now))
    changed = changed_keys(before, after)
    if fixed := [key for key in changed if not key.startswith(MAY_CHANGE)]:
        write_text(folder.config, started)
        raise InputError(
            f"{fixed[0]}={after.get(fixed[0])}: was {before.get(fixed[0])} when this run was started; "
            f"a run is resumed with its own config, only {MAY_CHANGE}* may change"
        )
    if changed:  # another end
        write_text(folder.started, now)
        folder.clear_outcome()
    return folder.read_result() is not None


def record_end(job: Job) -> None:
    """Write ``failure.json`` for a process that has ended without a result and without a reason."""
    if job.code and job.folder.read_failure() is None:
        fail(job.folder, "killed", how_it_ended(job.code))


def loss(folder: RunFolder) -> float:
    """The lowest ``val/loss`` of a run that has ended, infinite if it failed."""
    result = folder.read_result()
    return math.inf if result is None or folder.read_failure() else result.val_loss


def how_it_ended(code: int) -> str:
    """The meaning of a process's exit code other than 0."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:  # a real-time signal
        return f"killed by signal {-code}"
    return f"killed by {name}" + ("; was memory short?" if name == "SIGKILL" else "")
