"""Files that mean harm, or are broken, are made under a name with the words that refuse them: by what is here."""

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from tang.config.data import NamesConfig, PoemsConfig
from tang.config.model import ClassifierConfig, LanguageModelConfig
from tang.data.vocabulary import SPECIALS
from tang.tasks.base import Task
from tang.tasks.classifier import Classifier
from tang.tasks.language_model import LanguageModel
from tang.tasks.schedules import cosine
from tang.training.callbacks.random_states import random_states

Make = Callable[[Path, Path], object]
"""Writes the file; its code, if it ran, would make the second one."""

Cases = dict[str, tuple[Make, str]]
"""Under its name: what writes the file, and a pattern of the line that refuses it."""

SYMBOLS = [*SPECIALS, "，", *(chr(0x4E00 + i) for i in range(20))]
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .,;'"


def settings(schema: type, **given: Any) -> dict[str, Any]:
    """A group of the config as a checkpoint has it."""
    return {name: value for name, value in dataclasses.asdict(schema(**given)).items() if not name.startswith("_")}


def language_model(**given: Any) -> LanguageModel:
    """A small one, untrained."""
    torch.manual_seed(0)
    model = settings(LanguageModelConfig, **{"hidden_size": 8, "backend": "torch", **given})
    return LanguageModel(model, SYMBOLS, settings(PoemsConfig), form="五言绝句")


def classifier() -> Classifier:
    """A small one, untrained."""
    model = settings(ClassifierConfig, hidden_size=8, backend="torch")
    return Classifier(model, ["English", "Italian"], LETTERS, settings(NamesConfig))


def trainable(**given: Any) -> LanguageModel:
    """A small one with all that training needs."""
    model = language_model(**given)
    model.optimizer = torch.optim.Adam
    model.scheduler = partial(cosine, warmup=0.5, final=0.1)
    return model


def content_of(model: Task) -> dict[str, Any]:
    """What a checkpoint has of a model alone."""
    content = {"hyper_parameters": dict(model.hparams), "state_dict": model.state_dict()}
    return {"task": type(model).__name__, "pytorch-lightning_version": "2.6.6", **content}


def resumable() -> dict[str, Any]:
    """What a checkpoint has that training can go on from."""
    model = trainable()
    assert model.optimizer is not None
    assert model.scheduler is not None
    optimizer = model.optimizer(model.parameters())
    schedule: Any = model.scheduler(optimizer, 2)
    model.network(torch.tensor([[2, 5]]))[0].sum().backward()
    optimizer.step()
    run = {
        "best_metrics": {},
        "metrics": {"val/loss": 1.0},
        "should_stop": False,
        "random": [random_states(torch.device("cpu"))],
    }
    return {
        **content_of(model),
        "epoch": 0,
        "global_step": 1,
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [schedule["scheduler"].state_dict()],
        "loops": {"fit_loop": {"epoch_progress": {"current": {"ready": 1}}}},
        "callbacks": {"EarlyStopping": {"wait_count": 0, "best_score": torch.tensor(1.0)}},
        "run": {**run, "means": {"train_loss": [1.0, 2.0, 3]}, "curves": {"events.out.tfevents.1": 88}},
    }


def changed(*keys: Any, to: Any, of: Callable[[], dict[str, Any]] = lambda: content_of(language_model())) -> Make:
    """A checkpoint with one value changed, the one that ``keys`` lead to; it may be made from what was there."""

    def make(path: Path, marker: Path) -> None:
        content = of()
        inner: Any = content
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = to(inner.get(keys[-1])) if callable(to) else to
        torch.save(content, path)

    return make


def of_classifier(*keys: Any, to: Any) -> Make:
    return changed(*keys, to=to, of=lambda: content_of(classifier()))


def without(*keys: str) -> Make:
    """A checkpoint that lacks what ``keys`` lead to."""

    def make(path: Path, marker: Path) -> None:
        content = content_of(language_model())
        inner: Any = content
        for key in keys[:-1]:
            inner = inner[key]
        del inner[keys[-1]]
        torch.save(content, path)

    return make


def hyper(*keys: str, to: Any) -> Make:
    return changed("hyper_parameters", *keys, to=to)


def weights(to: Any, name: str = "network.head.bias") -> Make:
    return changed("state_dict", name, to=to)


def saved(content: Any, **arguments: Any) -> Make:
    return lambda path, marker: torch.save(content() if callable(content) else content, path, **arguments)


def written(content: bytes) -> Make:
    return lambda path, marker: path.write_bytes(content)
