"""Run the jobs of a sweep on this machine, some at once."""

import os
import pickle
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hydra._internal.callbacks import Callbacks
from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, configure_log, run_job, setup_globals
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from tang.runs.run import RunFolder
from tang.sweeps.gpus import cores
from tang.sweeps.processes import Job, run_all, start
from tang.sweeps.supervise import is_to_run, loss, record_end


def compose_once(loader: ConfigLoader) -> None:
    """Make a loader keep each job's config, which the sweeper composes as a test, until the job is to start.

    To compose one takes Hydra about 80 ms, to read it back 4; kept are some 25 kB.
    """
    compose = loader.load_sweep_config
    kept: dict[tuple[str, ...], bytes] = {}

    def composed(master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        key = tuple(sweep_overrides)
        if key in kept:
            config: DictConfig = pickle.loads(kept.pop(key))
            return config
        config = compose(master_config, sweep_overrides)
        kept[key] = pickle.dumps(config)
        return config

    loader.load_sweep_config = composed  # type: ignore[method-assign]


def launch(
    context: HydraContext,
    config: DictConfig,
    task_function: TaskFunction,
    jobs: Iterable[Sequence[str]],
    first: int,
    at_once: int,
    gpus: Sequence[str],
) -> list[JobReturn]:
    """Run a job for each list of overrides, so many at once; each is asked for when it is about to start.

    Args:
        context, config, task_function: Hydra's, of the sweep.
        jobs: the overrides of each job.
        first: number of the first job.
        at_once: processes at a time; they share the cores of this machine.
        gpus: each job takes one of these for itself; empty: all see the same.

    Raises:
        SystemExit: the sweep was asked to stop; what ran has ended.
    """
    setup_globals()
    configure_log(config.hydra.hydra_logging, config.hydra.verbose)
    if at_once > 1:
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores() // at_once)))
    quiet = HydraContext(context.config_loader, Callbacks())
    returns: list[JobReturn] = []
    running: dict[Job, tuple[DictConfig, JobReturn]] = {}

    def begin(cfg: DictConfig) -> Job | None:
        folder = RunFolder(Path(HydraConfig.get().runtime.output_dir))
        prefix = f"[{folder.number}] " if at_once > 1 else ""
        return start(folder, gpus, prefix) if is_to_run(folder, cfg) else None

    def begun() -> Iterator[Job]:
        for number, overrides in enumerate(jobs, first):
            job_config = context.config_loader.load_sweep_config(config, list(overrides))
            with open_dict(job_config):
                job_config.hydra.job.id = str(number)
                job_config.hydra.job.num = number
            context.callbacks.on_job_start(config=job_config, task_function=task_function)
            # Hydra writes the job's files, and returns what begin() does, before the job has ended.
            job_return = run_job(begin, job_config, "hydra.sweep.dir", "hydra.sweep.subdir", quiet, False)
            returns.append(job_return)
            if job := job_return.return_value:
                running[job] = job_config, job_return
                yield job
            else:
                end(job_config, job_return)

    def end(job_config: DictConfig, job_return: JobReturn) -> None:
        job_return.return_value = loss(RunFolder(Path(job_config.hydra.runtime.output_dir)))
        context.callbacks.on_job_end(config=job_config, job_return=job_return)
        job_return.cfg = job_return.hydra_cfg = None  # a quarter of a megabyte, which nobody asks for

    def on_end(job: Job) -> None:
        record_end(job)
        end(*running.pop(job))

    run_all(begun(), at_once, on_end)
    return returns
