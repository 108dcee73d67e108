"""Whatever is sent, the answer is one of ours."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tang.page.requests import CHECK, WRITE
from tests.page.serving import JSON, Page

texts = (
    st.text(max_size=20)
    | st.text("日月山水风，。 \n", max_size=30)
    | st.sampled_from(["true", "strict", "七言绝句", "${x}"])
)
numbers = st.integers() | st.floats() | st.integers(-1, 20) | st.just(10**300)
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4))
requests = st.dictionaries(
    st.sampled_from([*WRITE, *CHECK, "ckpt", "data", "out"]) | texts, values | st.lists(texts), max_size=5
)
STATUSES = {200, 400, 413, 503}


def check(page: Page, path: str, body: bytes) -> None:
    found = page.post(path, body, JSON)
    assert found.status in STATUSES
    assert all(isinstance(line, dict) for line in found.lines)
    if found.status != 200:
        assert {*found.lines[0]} == {"key", "message"}


@settings(max_examples=150)
@given(path=st.sampled_from(["/write", "/check"]), request=requests)
def test_random_values_are_answered(page: Page, path: str, request: Any) -> None:
    check(page, path, json.dumps(request).encode())


@settings(max_examples=50)
@given(path=st.sampled_from(["/write", "/check"]), body=st.binary(max_size=200) | st.just(b"x" * 20_000))
def test_random_bytes_are_answered(page: Page, path: str, body: bytes) -> None:
    check(page, path, body)


@settings(max_examples=50)
@given(poem=st.text("日月山水风花，。！？ \n《》〔〕：12a", min_size=1, max_size=200))
def test_random_verse_is_answered(page: Page, poem: str) -> None:
    check(page, "/check", json.dumps({"poem": poem, "suggestions": 1}).encode())
