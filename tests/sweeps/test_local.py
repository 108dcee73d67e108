from unittest.mock import Mock

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf

from tang import config
from tang.config.train import TrainConfig
from tang.sweeps.local import compose_once
from tests.commands import ROOT

config.register(train=TrainConfig)


def test_a_config_that_was_composed_as_a_test_is_not_composed_again() -> None:
    jobs = [["optimizer=sgd", f"seed={seed}"] for seed in (1, 2, 3)]
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        master = loader.load_configuration("train", ["hydra.sweep.dir=${now:%f}"], RunMode.MULTIRUN)
        folder = master.hydra.sweep.dir
        times = Mock(wraps=loader.load_configuration)
        loader.load_configuration = times  # type: ignore[method-assign]
        compose_once(loader)
        tested, started = ([loader.load_sweep_config(master, job) for job in jobs] for _ in range(2))
    assert times.call_count == 3
    assert [OmegaConf.to_yaml(job) for job in started] == [OmegaConf.to_yaml(job) for job in tested]
    assert [job.seed for job in started] == [1, 2, 3]
    assert OmegaConf.get_type(started[0]) is TrainConfig
    assert {job.hydra.sweep.dir for job in started} == {folder}, "it is still the moment at which the sweep began"
