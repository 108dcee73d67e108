"""The server of the page: its files, and addresses that answer with poems, reports and pictures."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tang.config.keys import SHIPPED
from tang.errors import InputError
from tang.page.checking import check
from tang.page.corpus import Corpus
from tang.page.guard import Guard
from tang.page.inside import look_inside
from tang.page.requests import CHECK, INSIDE, WRITE, to_check, to_look_inside, to_write
from tang.page.streaming import Stream, Worker, refused
from tang.page.writing import write
from tang.prosody.rhymes import Group, groups, readings
from tang.shutdown import handled_by
from tang.tasks.poem_model import PoemModelBase

MAX_BODY = 16 * 1024
BODY_SECONDS = 10  # in which it must arrive
GRACE = 60  # seconds in which what is being written is finished after a signal
STATIC = Path(__file__).with_name("static")
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

Endpoint = Callable[[Request], Awaitable[ASGIApp]]


def app(model: PoemModelBase, host: str, ckpt: str) -> ASGIApp:
    """The application for a model that the key ``ckpt`` names, as ``host`` serves it."""
    worker, corpus = Worker(), Corpus(model, ckpt)
    files = {f"/{path.name}": (path.read_bytes(), TYPES[path.suffix]) for path in STATIC.iterdir()}
    files["/"] = (_index(model).encode("utf-8"), TYPES[".html"])
    del files["/index.html"]
    routes = [Route(path, _file(*content)) for path, content in files.items()]
    routes.append(_answer("/write", worker, WRITE, lambda body: write(model, to_write(body))))
    routes.append(_answer("/check", worker, CHECK, lambda body: check(model, corpus, to_check(body))))
    routes.append(_answer("/inside", worker, INSIDE, lambda body: look_inside(model, corpus, to_look_inside(body))))
    return Guard(Starlette(routes=routes), host)


def _file(content: bytes, kind: str) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return Response(content, media_type=kind, headers={"cache-control": "no-cache"})

    return endpoint


def _answer(
    path: str, worker: Worker, keys: Mapping[str, Any], items: Callable[[bytes], Iterator[dict[str, Any]]]
) -> Route:
    """A route that answers a JSON object of ``keys`` with ``items``, line by line."""

    async def endpoint(request: Request) -> ASGIApp:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return refused(InputError("the request must be JSON: Content-Type: application/json"), keys, 415)
        try:
            body = await asyncio.wait_for(_body(request), BODY_SECONDS)
        except (asyncio.TimeoutError, ClientDisconnect):
            return refused(InputError(f"the request must be there within {BODY_SECONDS} seconds"), keys, 408)
        if len(body) > MAX_BODY:
            return refused(InputError(f"the request is too long: at most {MAX_BODY // 1024} KB"), keys, 413)
        try:
            return Stream(worker, items(body), keys)
        except InputError as error:
            return refused(error, keys)

    return Route(path, endpoint, methods=["POST"])


async def _body(request: Request) -> bytes:
    """The body of a request; of one that is too long the beginning, which is too long as well."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            break
    return body


def _index(model: PoemModelBase) -> str:
    """The page with the rhyme groups and the default form of the model."""
    level = (group for group in groups() if group.tone == "平")
    options = (f'<option value="{group.name}">{group} · {_members(model, group)}</option>' for group in level)
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    return page.replace("<!-- rhyme groups -->", "".join(options)).replace("DEFAULT_FORM", escape(str(model.form)))


def _members(model: PoemModelBase, group: Group) -> str:
    """The commonest characters that rhyme in a group alone."""
    members = (symbol for symbol in model.vocabulary.symbols if readings(symbol, model.script) == {group})
    return " ".join(islice(members, 4))


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; an InputError if there can't be one."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
    except (OSError, UnicodeError) as error:
        raise InputError(f"host={host}: {error}; give an address of this computer, host=127.0.0.1") from None
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise InputError(f"host={host} port={port}: {error.strerror}; give another, port={port + 1}") from None
    return listener


def server(model: PoemModelBase, host: str, ckpt: str = SHIPPED) -> uvicorn.Server:
    """The server of the page for a model; its ``run`` takes the sockets that it listens on."""
    config = uvicorn.Config(
        app(model, host, ckpt),
        lifespan="off",
        ws="none",
        http="h11",
        loop="asyncio",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )
    return uvicorn.Server(config)


def serve(model: PoemModelBase, listener: socket.socket, host: str, ckpt: str) -> None:
    """Serve the page until SIGTERM or Ctrl-C, then finish what is being written; a second Ctrl-C ends it at once."""
    running = server(model, host, ckpt)
    # uvicorn sets handlers of its own while it runs, and afterwards raises the signal again: these take it as done.
    with handled_by(lambda number, frame: setattr(running, "should_exit", True)):
        print(f"{address(listener, host)}  (Ctrl-C ends it)", flush=True)
        running.run(sockets=[listener])


def address(listener: socket.socket, host: str) -> str:
    """Where a browser finds the page."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}"
