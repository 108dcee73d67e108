"""A served page, and a client that speaks to it as a browser does."""

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPResponse
from typing import Any, NamedTuple

JSON = {"Content-Type": "application/json"}


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

    def begin(self, path: str, values: Any, headers: Mapping[str, str] = JSON) -> HTTPConnection:
        """A connection on which a request has been sent; ``values`` are JSON unless they are bytes."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        body = values if isinstance(values, bytes) else json.dumps(values).encode()
        connection.request("POST", path, body, dict(headers))
        return connection

    def post(self, path: str, values: Any, headers: Mapping[str, str] = JSON) -> Answer:
        return answer(self.begin(path, values, headers))

    def get(self, path: str, headers: Mapping[str, str] = {}) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", path, headers=dict(headers))
        return answer(connection)


def answer(connection: HTTPConnection) -> Answer:
    """The whole answer; its connection is closed."""
    response: HTTPResponse = connection.getresponse()
    found = Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, response.read())
    connection.close()
    return found
