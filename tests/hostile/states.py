"""Checkpoints whose model is good, and whose states of training aren't."""

from collections import OrderedDict
from typing import Any

import torch

from tests.hostile.makers import Cases, Make, changed, content_of, language_model, resumable, saved


def resumed(*keys: Any, to: Any) -> Make:
    return changed(*keys, to=to, of=resumable)


STATE = ("optimizer_states", 0, "state", 0)
GROUP = ("optimizer_states", 0, "param_groups", 0)
RANDOM = ("run", "random", 0)


STATES: Cases = {
    "a model alone": (saved(lambda: content_of(language_model())), "holds a model without optimizer_states"),
    "a step before the first": (resumed("global_step", to=-1), "global_step is -1"),
    "an epoch that is a text": (resumed("epoch", to="1"), "epoch is '1'"),
    "Lightning 1": (resumed("pytorch-lightning_version", to="1.9.0"), "pytorch-lightning_version is '1.9.0'"),
    "loops that are a list": (resumed("loops", to=[]), "loops is a list"),
    "a negative count": (resumed("loops", "fit_loop", "epoch_progress", to={"current": {"ready": -1}}), "count of -1"),
    "two optimizers": (resumed("optimizer_states", to=lambda old: old * 2), "has 2 optimizers"),
    "an optimizer's tensor of another shape": (
        resumed(*STATE, "exp_avg", to=torch.ones(3)), "state.0.exp_avg isn't what"),
    "an optimizer's NaN": (resumed(*STATE, "exp_avg", to=lambda old: old * float("nan")), "0.exp_avg is not finite"),
    "an optimizer's list": (resumed(*STATE, "exp_avg", to=[1]), "state.0.exp_avg isn't what"),
    "an optimizer's text": (resumed(*STATE, "exp_avg", to="abc"), "state.0.exp_avg isn't what"),
    "an optimizer's step alone": (resumed(*STATE, to={"step": torch.tensor(1.0)}), "state.0 isn't what"),
    "an optimizer's step before the first": (resumed(*STATE, "step", to=torch.tensor(-1.0)), "step is negative"),
    "an optimizer's steps of every weight": (resumed(*STATE, "step", to=torch.ones(25, 8)), "state.0.step isn't what"),
    "a rate that is a text": (resumed(*GROUP, "lr", to="x"), "param_groups.0.lr isn't what"),
    "a rate that is nothing": (resumed(*GROUP, "lr", to=None), "param_groups.0.lr isn't what"),
    "a rate that is NaN": (resumed(*GROUP, "lr", to=float("nan")), "param_groups.0.lr isn't what"),
    "another optimizer's settings": (resumed(*GROUP, "betas", to=(5.0, 7.0)), "betas isn't that of this run"),
    "a schedule that is a number": (resumed("lr_schedulers", to=[7]), "lr_schedulers.0 isn't what"),
    "no schedule": (resumed("lr_schedulers", to=[]), "lr_schedulers isn't what"),
    "a schedule of texts": (resumed("lr_schedulers", 0, "base_lrs", to=["a"]), "lr_schedulers.0.base_lrs.0 isn't"),
    "a schedule with more to it": (
        resumed("lr_schedulers", 0, "step", to=1), "lr_schedulers.0 isn't what this run's schedule has"),
    "a parameter too many": (
        resumed("optimizer_states", 0, "state", to=lambda old: {**old, 99: old[0]}), "parameter 99, which there isn't"),
    "other groups of parameters": (
        resumed("optimizer_states", 0, "param_groups", to=[{"params": [0], "lr": 0.1}]), "param_groups.0 isn't what"),
    "groups that hold a tensor": (
        resumed("optimizer_states", 0, "param_groups", to=[{"params": torch.ones(1)}]), "param_groups.0 isn't what"),
    "a callback's tensor of 8 MB": (resumed("callbacks", "x", to=torch.ones(2**21)), "has a tensor of 8,388,608 bytes"),
    "a callback's class": (resumed("callbacks", "x", to=OrderedDict(_target_="os.system")), "key _target_"),
    "a position outside NumPy's table": (
        resumed(*RANDOM, "numpy", "state", to=lambda old: {**old, "pos": 2**30}), "run.random isn't what"),
    "a position outside Python's table": (
        resumed(*RANDOM, "python", to=lambda old: [3, [*old[1][:-1], 625], None]), "run.random isn't what"),
    "PyTorch's random state cut off": (resumed(*RANDOM, "torch", to=lambda old: old[:-1]), "run.random isn't what"),
    "PyTorch's random state empty": (
        resumed(*RANDOM, "torch", to=lambda old: torch.zeros_like(old)), "run.random can't be read"),
    "no random states": (resumed("run", "random", to=[]), "run.random isn't what"),
    "a file's negative size": (resumed("run", "curves", to={"a": -1}), "run.curves isn't what"),
    "a mean of texts": (resumed("run", "means", to={"train_loss": ["a", "b", "c"]}), "run.means isn't what"),
    "no means": (resumed("run", "means", to={}), "run.means isn't what"),
    "a mean of NaN batches": (
        resumed("run", "means", to={"train_loss": [0.0, 0.0, float("nan")]}), "run.means isn't what"),
    "a metric that is a text": (resumed("run", "metrics", to={"val/loss": "0"}), "run.metrics isn't what"),
    "a stop that is a text": (resumed("run", "should_stop", to="no"), "run.should_stop isn't what"),
    "a state too many": (resumed("run", "more", to=1), "run isn't the state of a run"),
}  # fmt: skip
