"""Checkpoints whose model is good, but whose states training can't resume from."""

from collections import OrderedDict
from typing import Any

from tests.hostile.makers import Cases, Make, changed, content_of, language_model, resumable, saved


def resumed(*keys: Any, to: Any) -> Make:
    return changed(*keys, to=to, of=resumable)


STATES: Cases = {
    "a model alone": (saved(lambda: content_of(language_model())), "has no optimizer_states to resume from"),
    "an optimizer's state without a list": (resumed("optimizer_states", to={}), "has no optimizer_states"),
    "no schedules": (resumed("lr_schedulers", to=None), "has no lr_schedulers"),
    "loops that are a list": (resumed("loops", to=[]), "has no loops"),
    "callbacks that are a list": (resumed("callbacks", to=[]), "has no callbacks"),
    "a run that is a list": (resumed("run", to=[]), "has no run"),
    "a step that is a float": (resumed("global_step", to=1.0), "has no global_step"),
    "an epoch that is a text": (resumed("epoch", to="1"), "has no epoch"),
    "a callback's class": (resumed("callbacks", "x", to=OrderedDict(_target_="os.system")), "key _target_"),
    "another model": (resumed("hyper_parameters", "model", "hidden_size", to=9), "its sizes imply"),
}  # fmt: skip
