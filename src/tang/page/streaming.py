"""Answers line by line, as they are made: one JSON object a line, one piece of work at a time."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from tang.errors import InputError
from tang.page.requests import key_of

PLACES = 8  # requests that are worked on or wait


class Worker:
    """One thread that does the work of all requests in turns, an item each, so that none waits for another's last."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="worker")
        self._turn = asyncio.Lock()
        self.inside = 0

    @contextmanager
    def place(self) -> Iterator[bool]:
        """A place for a request while the context lasts; False if all are taken."""
        is_free = self.inside < PLACES
        self.inside += is_free
        try:
            yield is_free
        finally:
            self.inside -= is_free

    async def next(self, items: Iterator[Any], request: Request) -> Any:
        """The next item when it is the request's turn; None after the last one, or if its client has gone."""
        async with self._turn:
            if await request.is_disconnected():
                return None
            return await asyncio.get_running_loop().run_in_executor(self._thread, next, items, None)


class Stream:
    """An answer of as many lines as there are ``items``; the first is awaited before the status is sent.

    503 if the worker's places are all taken, 400 if the first item is an InputError; a later one is the last line.
    """

    def __init__(self, worker: Worker, items: Iterator[Any], keys: Iterable[str]) -> None:
        self.worker, self.items, self.keys = worker, items, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, has_begun = Request(scope, receive), False
        with self.worker.place() as is_free:
            if not is_free:
                await busy()(scope, receive, send)
                return
            try:
                while (item := await self.worker.next(self.items, request)) is not None:
                    if not has_begun:
                        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
                        has_begun = True
                    await send(_body(item))
            except InputError as error:
                if not has_begun:
                    await refused(error, self.keys)(scope, receive, send)
                    return
                await send(_body({"error": mistake(error, self.keys)}))
        if has_begun:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


HEADERS = [(b"content-type", b"application/x-ndjson; charset=utf-8"), (b"cache-control", b"no-store")]


def _body(item: Any) -> dict[str, Any]:
    line = json.dumps(item, separators=(",", ":")) + "\n"
    return {"type": "http.response.body", "body": line.encode(), "more_body": True}


def mistake(error: InputError, keys: Iterable[str]) -> dict[str, str | None]:
    """The message of a mistake, and the key that it is about."""
    return {"key": key_of(str(error), keys), "message": str(error)}


def refused(error: InputError, keys: Iterable[str], status: int = 400) -> JSONResponse:
    return JSONResponse(mistake(error, keys), status)


def busy() -> JSONResponse:
    message = f"{PLACES} requests are being worked on already; try again in a few seconds"
    return JSONResponse({"key": None, "message": message}, 503, {"retry-after": "5"})
