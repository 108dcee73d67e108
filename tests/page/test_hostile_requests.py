"""Whatever is sent, the answer is one of ours, and the server stays as it was."""

import json
import socket
import subprocess
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tang.page.requests import CHECK, WRITE
from tang.tasks.language_model import LanguageModel
from tests.page.serving import JSON, Page, answer, page_script

REQUESTS = 10_000
WARM_UP = 3_000  # after which the process has the memory that it needs
GROWTH = 0.02  # of that memory, which it may take beyond: about 1 KB for each request that follows

RIGHT: dict[str, dict[str, Any]] = {
    "/write": {
        **{"title": "云", "temperature": 0.5, "top_k": 5, "top_p": 0.5, "seed": 1, "acrostic_at": "first", "n": 2},
        **{"no_repeat": True, "rhyme": "true", "tones": "loose", "form": "五言绝句", "start": ["日"], "candidates": 2},
        **{"acrostic": ["春风"], "contains": ["月"], "avoid": ["死"]},
    },
    "/check": {"poem": "日月山水风，花雪夜天地。", "suggestions": 1},
    "/inside": {"poem": "日月山水风，花雪夜天地。"},
}
texts = (
    st.text(max_size=20)
    | st.text("日月山水风花，。！？ \n《》〔〕：12a", max_size=60)
    | st.sampled_from(["true", "strict", "七言绝句", "100×1000", "???", "${x}", "${oc.env:HOME}", "../../etc/passwd"])
)
numbers = st.integers() | st.floats() | st.integers(-1, 20) | st.just(10**300)
scalars = st.none() | st.booleans() | numbers | texts
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(texts, scalars, max_size=2) | st.just([[[["日"]]]])
keys = st.sampled_from([*WRITE, *CHECK]) | st.sampled_from(["ckpt", "data", "out", "file", "__class__"]) | texts

Request = tuple[str, str, bytes, dict[str, str]]


def objects(path: str) -> st.SearchStrategy[Request]:
    """Right keys and values, with one or two that are wrong or odd; little to write, since there are many."""
    few = {"n": 1, "candidates": 1, "form": "2×5"} if path == "/write" else {}
    right = st.lists(st.sampled_from([*RIGHT[path].items()]), max_size=4)
    odd = st.lists(st.tuples(keys, values), min_size=1, max_size=2)
    bodies = st.builds(lambda *pairs: json.dumps({**few, **dict(pairs[0] + pairs[1])}).encode(), right, odd)
    return st.tuples(st.just("POST"), st.just(path), bodies, st.just(JSON))


verse = texts.map(lambda text: ("POST", "/check", json.dumps({"poem": text, "suggestions": 1}).encode(), JSON))
anything = st.tuples(
    st.sampled_from(["POST", "POST", "GET", "HEAD", "PUT", "OPTIONS", "TRACE", "SPAM"]),
    st.sampled_from(
        ["/", "/write", "/check", "/inside", "/page.js", "/../pyproject.toml", "/%2e%2e/%00", "//write", "*"]
    ),
    st.binary(max_size=200) | st.sampled_from([b"x" * 20_000, b"[" * 16_000, b'{"n":' + b"9" * 16_000 + b"}"]),
    st.fixed_dictionaries(
        {"Content-Type": st.sampled_from(["application/json", "application/json; charset=x", "text/plain", ""])},
        optional={"Host": st.sampled_from(["localhost:1", "[::1]", "example.org", "", ":", "127.0.0.1@example.org"])},
    ),
)
torn = st.builds(
    lambda *parts: b"".join(parts),
    st.sampled_from([b"", b"POST /write HTTP/1.1\r\nHost: localhost\r\n", b"GET / HTTP/1.1\r\n", b"GET /"]),
    st.binary(max_size=100),
    st.sampled_from([b"", b"\r\n\r\n", b"Content-Length: 9\r\nContent-Length: 8\r\n\r\n", b"x" * 70_000]),
)
requests = st.one_of(*map(objects, RIGHT)) | verse | anything | torn


def status(page: Page, request: Request | bytes) -> int | None:
    """The status of the answer, whose body is checked to be ours; None if there is none, to a request that is torn."""
    if isinstance(request, bytes):
        return status_of_torn(page, request)
    found = answer(page.send(*request))
    if found.headers["content-type"] in ("application/json", "application/x-ndjson; charset=utf-8"):
        assert found.status != 200 or "error" not in found.lines[-1]
        assert found.status == 200 or request[0] == "HEAD" or {*found.lines[0]} == {"key", "message"}
    return found.status


def status_of_torn(page: Page, request: bytes) -> int | None:
    with socket.create_connection(("127.0.0.1", page.port), timeout=60) as sock, suppress(ConnectionError):
        sock.sendall(request)  # an error if the server ends the connection before it has read all of it
        sock.shutdown(socket.SHUT_WR)
        line = sock.makefile("rb").readline()
        return int(line.split()[1]) if line else None
    return None


def memory(pid: int) -> int:
    """KB of a process's memory."""
    return int(subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], check=True, capture_output=True).stdout)


@pytest.mark.slow
def test_ten_thousand_requests_leave_the_server_as_it_was(small_model: LanguageModel, tmp_path: Path) -> None:
    statuses: Counter[int | None] = Counter()
    needed = 0
    with page_script(small_model, tmp_path) as (page, running):

        @settings(max_examples=REQUESTS, derandomize=True, phases=[Phase.generate])
        @given(request=requests)
        def send(request: Request | bytes) -> None:
            nonlocal needed
            found = status(page, request)
            assert found in (None, 200) or 400 <= found < 500
            statuses[found] += 1
            if statuses.total() == WARM_UP:
                needed = memory(running.pid)

        send()
        assert statuses.total() >= REQUESTS
        assert {200, 400, 404, 405, 413, 415} <= {*statuses}
        assert memory(running.pid) < (1 + GROWTH) * needed
        assert "Traceback" not in running.err.read_text("utf-8")
