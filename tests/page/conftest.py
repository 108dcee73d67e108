"""A page served by a model that wasn't trained."""

from collections.abc import Iterator
from threading import Thread

import pytest
import torch

from tang.data.vocabulary import SPECIALS
from tang.page.server import listen, server
from tang.tasks.language_model import LanguageModel
from tests.conftest import CHARACTERS
from tests.page.serving import Page


@pytest.fixture(scope="module")
def small_model() -> LanguageModel:
    torch.manual_seed(0)
    symbols = [*SPECIALS, "，", "。", *dict.fromkeys(CHARACTERS)]
    return LanguageModel({"hidden_size": 8}, symbols, {"titles": True}, form="五言绝句")


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
