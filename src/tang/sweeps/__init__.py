"""Sweeps: where their runs go, each run in a process of its own, the table at the end.

Whoever imports a part of this package has the resolvers that ``conf/`` uses: also the processes
of a launcher, which import what a job that they are handed refers to.
"""

from omegaconf import OmegaConf

from tang.runs import names
from tang.sweeps import gpus

OmegaConf.register_new_resolver("new_folder", names.new_folder, use_cache=True, replace=True)
OmegaConf.register_new_resolver("run_name", names.run_name, replace=True)
OmegaConf.register_new_resolver("gpus", gpus.as_text, use_cache=True, replace=True)
OmegaConf.register_new_resolver("jobs_at_once", gpus.jobs_at_once, use_cache=True, replace=True)
OmegaConf.register_new_resolver("gpus_per_ray_job", gpus.per_ray_job, use_cache=True, replace=True)
