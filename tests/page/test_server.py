"""The server is safe and steady."""

import select
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from tang.errors import InputError
from tang.page import server
from tang.page.guard import is_loopback
from tang.page.server import listen
from tests.commands import Script
from tests.page.serving import JSON, Answer, Page, answer


def test_the_page_and_its_files_are_served_with_headers_that_keep_it_to_itself(page: Page) -> None:
    index = page.get("/")
    assert index.status == 200
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    assert 'value="一东"' in index.body.decode()
    for name in ("page.css", "page.js", "changing.js", "chart.js", "icon.svg"):
        assert page.get(f"/{name}").status == 200
    for found in (index, page.get("/nowhere"), page.get("/../pyproject.toml"), page.post("/write", b"{")):
        assert "default-src 'self'" in found.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in found.headers["content-security-policy"]
        assert found.headers["x-content-type-options"] == "nosniff"
        assert found.headers["referrer-policy"] == "no-referrer"


def test_poems_come_line_by_line(page: Page) -> None:
    found = page.post("/write", {"n": 2, "start": ["日"]})
    assert found.status == 200
    head, *poems = found.lines
    assert head["count"] == len(poems) == 2


@pytest.mark.parametrize(
    ("path", "values", "status", "key"),
    [
        ("/write", {"rhyme": "月"}, 400, "rhyme"),
        ("/write", {"start": ["x"]}, 400, "start"),
        ("/write", {"n": 0}, 400, "n"),
        ("/write", {"ckpt": "latest"}, 400, None),
        ("/check", {"poem": "abc"}, 400, "poem"),
        ("/check", {"file": "/etc/passwd"}, 400, None),
        ("/check", {"poem": "日" * 6000}, 413, None),
        ("/write", {"poem": ["日月山水，花。"]}, 400, "poem"),
        ("/inside", {"poem": "abc"}, 400, "poem"),
        ("/inside", {"file": "/etc/passwd"}, 400, None),
    ],
)
def test_a_mistake_is_answered_with_its_key(page: Page, path: str, values: Any, status: int, key: str | None) -> None:
    found = page.post(path, values)
    assert found.status == status
    (mistake,) = found.lines
    assert mistake["key"] == key
    assert mistake["message"]


def test_other_kinds_of_requests_are_refused(page: Page) -> None:
    assert page.get("/write").status == 405
    assert page.post("/write", {}, {"Content-Type": "text/plain"}).status == 415
    assert page.get("/", {"Host": "example.org"}).status == 400
    assert page.post("/write", {}, {**JSON, "Host": "example.org:8000"}).status == 400
    assert page.get("/", {"Host": "localhost:8000"}).status == 200


def test_loopback_is_told_from_other_hosts() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "localhost", "::1", "[::1]")))
    assert not any(map(is_loopback, ("", "0.0.0.0", "192.168.0.1", "127.0.0.1.example.org", "localhost.example.org")))


def test_the_ninth_request_is_told_to_come_later(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    go = Event()

    def slow(*_: object) -> Iterator[dict[str, int]]:
        go.wait(30)
        yield {"seed": 1}

    monkeypatch.setattr(server, "write", slow)
    waiting = [page.begin("/write", {}) for _ in range(9)]
    sockets = {connection.sock: connection for connection in waiting}
    (first,), _, _ = select.select([*sockets], [], [], 30)
    told = answer(sockets.pop(first))
    assert told.status == 503
    assert told.headers["retry-after"]
    assert "try again" in told.lines[0]["message"]
    go.set()
    assert [answer(connection).status for connection in sockets.values()] == [200] * 8


def test_a_hundred_clients_at_once_are_all_answered(page: Page) -> None:
    found: list[Answer] = []
    clients = [Thread(target=lambda: found.append(page.post("/write", {"n": 2}))) for _ in range(100)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(60)
    assert len(found) == 100
    assert {one.status for one in found} <= {200, 503}
    assert all(len(one.lines) == 3 for one in found if one.status == 200)


def test_a_client_that_goes_ends_the_work(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def endless(*_: object) -> Iterator[dict[str, int]]:
        for number in count():
            made.append(number)
            time.sleep(0.01)
            yield {"seed": number}

    monkeypatch.setattr(server, "write", endless)
    connection = page.begin("/write", {})
    response = connection.getresponse()
    assert response.readline() == b'{"seed":0}\n'
    response.close()
    connection.close()
    deadline = time.monotonic() + 10
    while True:
        before = len(made)
        time.sleep(0.2)
        if len(made) == before:
            break
        assert time.monotonic() < deadline, "it goes on"


def test_a_body_that_does_not_come_is_not_waited_for(
    page: Page, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server, "BODY_SECONDS", 0.2)
    connection = page.begin("/write", b"{", {**JSON, "Content-Length": "100"})
    assert answer(connection).status == 408
    page.begin("/write", b"{", {**JSON, "Content-Length": "100"}).close()
    assert page.post("/write", {}).status == 200
    assert not caplog.records


def test_a_mistake_after_the_first_poem_is_the_last_line(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Iterator[dict[str, int]]:
        yield {"seed": 1}
        raise InputError("rhyme=true: nothing is left")

    monkeypatch.setattr(server, "write", broken)
    found = page.post("/write", {})
    assert found.status == 200
    assert found.lines == [{"seed": 1}, {"error": {"key": "rhyme", "message": "rhyme=true: nothing is left"}}]


def test_a_port_that_is_taken_is_refused() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"port={port}: .*; give another, port="):
            listen("127.0.0.1", port)
    with pytest.raises(InputError, match=r"host=256\.0\.0\.1: "):
        listen("256.0.0.1", 0)


def test_without_the_extra_it_says_what_to_install(called: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "tang.page.server")
    done = called("page")
    assert done.returncode == 1
    assert done.stderr == (
        "error: uvicorn isn't installed, which the page needs: pip install -c constraints.txt -e '.[page]'\n"
    )
    assert Path(server.__file__).name == "server.py"
