"""Sweeps: each run in a process of its own, on whatever launcher; the table at the end.

Importing the package registers the resolvers that ``conf/`` uses. A launcher's processes import it as well, with the
job that they are handed.
"""

from omegaconf import OmegaConf

from tang.runs.names import run_name
from tang.sweeps import gpus

OmegaConf.register_new_resolver("run_name", run_name, replace=True)
OmegaConf.register_new_resolver("gpus", gpus.as_text, use_cache=True, replace=True)
OmegaConf.register_new_resolver("jobs_at_once", gpus.jobs_at_once, use_cache=True, replace=True)
OmegaConf.register_new_resolver("gpus_per_ray_job", gpus.per_ray_job, use_cache=True, replace=True)
