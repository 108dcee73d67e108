import dataclasses
import inspect

import pytest
import pytorch_lightning as pl
import torch
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from tang import config
from tang.config.scripts import EvaluateConfig, ExportConfig, PredictConfig
from tang.config.studies import StudyConfig
from tang.config.train import TrainConfig
from tang.config.trainer import TrainerConfig
from tang.errors import InputError
from tang.generation.request import request_class
from tang.training.build import build_optimizer
from tests.commands import ROOT

config.register(train=TrainConfig, study=StudyConfig, sample=request_class())
config.register(evaluate=EvaluateConfig, predict=PredictConfig, export=ExportConfig)

CONF = ROOT / "conf"
OPTIONS = [
    (group.name, option.stem)
    for group in sorted(CONF.iterdir())
    if group.is_dir() and group.name != "hydra"
    for option in sorted(group.glob("*.yaml"))
]


def composed(*overrides: str, name: str = "train") -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose(name, overrides=list(overrides), return_hydra_config=True)
        HydraConfig.instance().set_config(cfg)
        return compose(name, overrides=list(overrides))


def settings(*overrides: str) -> TrainConfig:
    """The typed config of a training run."""
    return config.typed(composed(*overrides), TrainConfig)


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_option_of_every_group_composes(group: str, option: str) -> None:
    config.check(composed(f"{group}={option}", name="study" if group == "study" else "train"))


@pytest.mark.parametrize("option", [option for group, option in OPTIONS if group == "optimizer"])
def test_every_optimizer_takes_a_step_at_its_own_rate(option: str) -> None:
    cfg = settings(f"optimizer={option}")
    layer = torch.nn.Linear(2, 2)
    before = layer.weight.detach().clone()
    optimizer = build_optimizer(cfg.optimizer)(layer.parameters())
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    assert optimizer.param_groups[0]["lr"] == cfg.optimizer.lr
    assert not torch.equal(before, layer.weight)


def test_one_scale_multiplies_each_optimizers_own_rate() -> None:
    for name, rate in (("adam", 1e-3), ("sgd", 1.6)):
        optimizer = build_optimizer(settings(f"optimizer={name}", "optimizer.lr_scale=0.1").optimizer)
        assert optimizer([torch.nn.Parameter(torch.zeros(1))]).param_groups[0]["lr"] == pytest.approx(rate)


def test_the_schema_has_the_arguments_of_lightnings_trainer() -> None:
    theirs = {name: p.default for name, p in inspect.signature(pl.Trainer.__init__).parameters.items()}
    ours = {field.name: field.default for field in dataclasses.fields(TrainerConfig)}
    elsewhere = {"self", "callbacks", "logger", "default_root_dir"}
    useless = {
        "enable_checkpointing",
        "limit_predict_batches",
        "use_distributed_sampler",
        "barebones",
        "sync_batchnorm",
    }
    useless |= {"reload_dataloaders_every_n_epochs", "enable_autolog_hparams", "model_registry"}
    assert set(ours) == set(theirs) - elsewhere - useless
    own = {"devices", "max_epochs", "num_sanity_val_steps", "log_every_n_steps", "enable_model_summary"}
    assert {name for name in ours if ours[name] != theirs[name]} == {*own, "gradient_clip_val"}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("sample", []), ("evaluate", []), ("predict", ["name=[Li]"]), ("export", ["to=a.safetensors"])],
)
def test_the_other_scripts_compose(name: str, arguments: list[str]) -> None:
    config.check(composed("ckpt=x", *arguments, name=name))
    if name in ("predict", "export"):  # the others take the model that comes with the project
        with pytest.raises(InputError, match="ckpt is missing"):
            config.check(composed(*arguments, name=name))
    else:
        assert composed(*arguments, name=name).ckpt == "shipped"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.dropout=1", "model.dropout=1.0: must be at least 0 and below 1"),
        ("optimizer.lr=0", "optimizer.lr=0.0: must be greater than 0"),
        ("optimizer.lr_scale=0", "optimizer.lr_scale=0.0: must be greater than 0"),
        ("data.batch_size=0", "data.batch_size=0: must be at least 1"),
        ("data.script=latin", "data.script=latin: must be one of simplified, traditional"),
        ("data.forms=[a]", r"data.forms=\[a\]: must be null or some of 五言绝句"),
    ],
)
def test_values_out_of_range_are_refused(override: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        config.check(composed(override))


def test_a_key_forced_in_is_refused() -> None:
    with pytest.raises(InputError, match=r"model\.hidden: no such key; there are embedding_size, hidden_size"):
        config.check(composed("+model.hidden=3"))


def test_an_experiment_keeps_each_optimizers_rate() -> None:
    for name in ("sgd", "adagrad"):
        assert (
            composed("experiment=tang", f"optimizer={name}").optimizer.lr == composed(f"optimizer={name}").optimizer.lr
        )
