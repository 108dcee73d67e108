"""A page served by a model that wasn't trained."""

from collections.abc import Iterator
from dataclasses import asdict
from threading import Thread
from typing import Any

import pytest
import torch

from tang.config.data import PoemsConfig
from tang.config.model import LanguageModelConfig
from tang.data.vocabulary import SPECIALS
from tang.page.server import listen, server
from tang.tasks.language_model import LanguageModel
from tests.conftest import CHARACTERS
from tests.page.serving import Page


def saved(config: Any) -> dict[str, Any]:
    """A config as checkpoints hold it, which name no class."""
    return {name: value for name, value in asdict(config).items() if name != "_target_"}


@pytest.fixture(scope="module")
def small_model() -> LanguageModel:
    torch.manual_seed(0)
    symbols = [*SPECIALS, "，", "。", *dict.fromkeys(CHARACTERS + "快乐")]
    sizes, data = LanguageModelConfig(hidden_size=8), PoemsConfig(titles=True)
    return LanguageModel(saved(sizes), symbols, saved(data), form="五言绝句")


@pytest.fixture(scope="module")
def page(small_model: LanguageModel) -> Iterator[Page]:
    listener = listen("127.0.0.1", 0)
    running = server(small_model, "127.0.0.1")
    thread = Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    yield Page(listener.getsockname()[1])
    running.should_exit = True
    thread.join(60)
    assert not thread.is_alive()
