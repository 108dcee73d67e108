"""A served page, and a client that speaks to it as a browser does."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, NamedTuple

from tang import checkpoint
from tang.tasks.language_model import LanguageModel
from tests.commands import Fork, script

JSON = {"Content-Type": "application/json"}
ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.body.splitlines()]


class Page:
    """The page at a port of this computer."""

    def __init__(self, port: int) -> None:
        self.port = port

    def send(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = {}) -> HTTPConnection:
        """A connection on which a request has been sent."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, dict(headers))
        return connection

    def begin(self, path: str, values: Any, headers: Mapping[str, str] = JSON) -> HTTPConnection:
        """As ``send``; ``values`` are JSON unless they are bytes."""
        return self.send("POST", path, values if isinstance(values, bytes) else json.dumps(values).encode(), headers)

    def post(self, path: str, values: Any, headers: Mapping[str, str] = JSON) -> Answer:
        return answer(self.begin(path, values, headers))

    def get(self, path: str, headers: Mapping[str, str] = {}) -> Answer:
        return answer(self.send("GET", path, headers=headers))


@contextmanager
def page_script(model: LanguageModel, folder: Path) -> Iterator[tuple[Page, Fork]]:
    """``src/page.py`` in a process of its own, which has printed its address."""
    checkpoint.export(model, str(folder / "model.safetensors"))
    with Fork([script("page"), "port=0", "ckpt=model.safetensors"], folder, folder / "page") as running:
        deadline = time.monotonic() + 120
        while running.poll() is None and time.monotonic() < deadline:
            if running.out.exists() and (found := ADDRESS.search(running.out.read_text("utf-8"))):
                yield Page(int(found[1])), running
                return
            time.sleep(0.05)
        raise AssertionError(running.err.read_text("utf-8"))


def answer(connection: HTTPConnection) -> Answer:
    """The whole answer; its connection is closed."""
    response: HTTPResponse = connection.getresponse()
    found = Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, response.read())
    connection.close()
    return found
