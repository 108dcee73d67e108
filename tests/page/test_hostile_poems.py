"""Whatever text is sent as a poem, the answer is one of ours."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.page.serving import Page


def check(page: Page, path: str, values: Any) -> None:
    found = page.post(path, values)
    assert found.status in {200, 400}
    if found.status == 400:
        assert {*found.lines[0]} == {"key", "message"}


@settings(max_examples=50)
@given(poem=st.text("日月山水风花，。！？ \n《》〔〕：12a", min_size=1, max_size=200))
def test_random_verse_is_looked_into(page: Page, poem: str) -> None:
    check(page, "/inside", {"poem": poem})


@settings(max_examples=100)
@given(poem=st.text("日月山水风□？?○，。", min_size=1, max_size=40), n=st.integers(1, 3))
def test_random_gaps_are_filled(page: Page, poem: str, n: int) -> None:
    check(page, "/write", {"poem": [poem], "n": n})
