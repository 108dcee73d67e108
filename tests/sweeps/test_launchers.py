import dataclasses

from hydra import compose, initialize_config_dir
from hydra_plugins.hydra_submitit_launcher.config import SlurmQueueConf  # type: ignore[import-untyped]
from submitit.slurm.slurm import _make_sbatch_string

from tang import config
from tang.config.train import TrainConfig
from tests.commands import ROOT

config.register(train=TrainConfig)


def test_slurm_gets_a_gpu_for_each_run_and_is_told_to_warn_it() -> None:
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        overrides = ["hydra/launcher=slurm", "hydra.sweep.dir=sweep"]
        composed = compose("train", overrides=overrides, return_hydra_config=True)
    ours = {str(key): value for key, value in composed.hydra.launcher.items()}
    assert set(ours) <= {field.name for field in dataclasses.fields(SlurmQueueConf)}
    own = ("_target_", "submitit_folder", "max_num_timeout")
    names = {"name": "job_name", "timeout_min": "time", "mem_gb": "mem", "tasks_per_node": "ntasks_per_node"}
    given = {names.get(key, key): value for key, value in ours.items() if key not in own}
    text = _make_sbatch_string("run", folder="folder", map_count=50, **given)
    lines = [
        "--array=0-49%16",
        "--gpus-per-node=1",
        "--cpus-per-task=4",
        "--time=240",
        "--signal=USR2@120",
        "--requeue",
    ]
    for line in lines:
        assert f"\n#SBATCH {line}\n" in text
    assert "None" not in text
