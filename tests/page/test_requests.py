"""Requests of the browser are checked as the command line is."""

import json
from typing import Any

import pytest

from tang.errors import InputError
from tang.page.requests import WRITE, key_of, to_check, to_look_inside, to_write


def body(values: Any) -> bytes:
    return json.dumps(values).encode()


def test_values_become_the_request_of_the_command_line() -> None:
    request = to_write(body({"start": ["日"], "n": 3, "rhyme": "东", "no_repeat": True, "temperature": 0.5}))
    assert (request.start, request.n, request.temperature, request.ckpt) == (["日"], 3, 0.5, "shipped")
    assert [str(constraint) for constraint in request.active_constraints()] == ["no_repeat=true", "rhyme=东"]


@pytest.mark.parametrize(
    ("values", "key", "message"),
    [
        ({"n": "x"}, "n", "n=x: must be a whole number"),
        ({"n": 13}, "n", "n=13: on the page it must be from 1 to 12"),
        ({"n": 10**400}, "n", "n=1"),
        ({"no_repeat": None}, "no_repeat", "no_repeat=null: can't be null"),
        ({"no_repeat": "maybe"}, "no_repeat", "no_repeat=maybe: must be true or false"),
        ({"avoid": ["月", None]}, "avoid", "avoid=[月,null]: null can't be in a list"),
        ({"form": "七言"}, "form", "form=七言: must be one of"),
        ({"form": "100×1000"}, "form", "form=100×1000: on the page it must be at most 256 characters"),
        ({"temperature": 1e999}, None, "must be JSON"),
        ({"temperature": -1}, "temperature", "temperature=-1"),
        ({"start": "日"}, "start", "must be a list"),
        ({"start": []}, "start", "on the page it must be one text"),
        ({"start": [["日"]]}, "start", "must be a text"),
        ({"start": {"日": 1}}, "start", "must be a text"),
        ({"start": ["日", "月"]}, "start", "one text of at most 64 characters"),
        ({"poem": ["日□月"]}, "poem", "its lines must end in marks"),
        ({"poem": ["□月，", "日□。"]}, "poem", "one poem of at most 256 signs"),
        ({"poem": ["□" + "日" * 255 + "。"]}, "poem", "one poem of at most 256 signs"),
        ({"poem": ["□" * 13 + "。"], "n": 5}, "poem", "n= times its gaps must be at most 64"),
        ({"poem": ["○＿?，?"], "n": 12, "form": "5×9"}, "form", "poem= has its form"),
        ({"poem": ["□月。"], "acrostic": ["春夏秋冬"]}, "acrostic", "poem= has its form"),
        ({"contains": ["月"] * 17}, "contains", "at most 16 words"),
        ({"title": "${oc.env:HOME}"}, "title", "title=${oc.env:HOME}: give Chinese characters"),
        ({"title": "\ud800"}, "title", "give Chinese characters"),
        ({"title": "???"}, "title", "give Chinese characters"),
        ({"ckpt": "/etc/passwd"}, None, "ckpt: no such key"),
        ({"data": {"path": "/"}}, None, "data: no such key"),
        ([], None, "must be a JSON object"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_its_key(values: Any, key: str | None, message: str) -> None:
    with pytest.raises(InputError) as caught:
        to_write(body(values))
    text = str(caught.value)
    assert message in text
    assert "\n" not in text
    assert key_of(text, WRITE) == key


@pytest.mark.parametrize(
    ("poem", "n", "particles"),
    [("日□月□。", 1, 128), ("日□月□，日月山水。" * 6, 5, 33), ("日□月□，日月山水。" * 25, 1, 40)],
)
def test_a_poem_with_gaps_gets_as_many_particles_as_there_is_time_for(poem: str, n: int, particles: int) -> None:
    request = to_write(body({"poem": [poem], "n": n, "temperature": 0.5}))
    assert (request.decode, request.particles, request.temperature) == ("sample", particles, 0.5)


@pytest.mark.parametrize("given", [b"", b"{", b"\xff", b'{"n": NaN}', b"[" * 16000, b'{"n": ' + b"9" * 16000 + b"}"])
def test_what_is_no_json_is_refused(given: bytes) -> None:
    with pytest.raises(InputError, match="must be JSON"):
        to_write(given)


def test_a_report_needs_a_poem_that_is_not_too_long() -> None:
    with pytest.raises(InputError, match="poem= is missing"):
        to_check(b"{}")
    with pytest.raises(InputError, match="at most 256 characters"):
        to_check(body({"poem": "日" * 257}))
    assert to_look_inside(body({"poem": "日月"})).poem == "日月"
    with pytest.raises(InputError, match="suggestions: no such key"):
        to_look_inside(body({"poem": "日月", "suggestions": 1}))


def test_the_key_of_a_message_is_the_first_that_it_names() -> None:
    assert key_of("rhyme=true tones=strict: 日 is given", WRITE) == "rhyme"
    assert key_of("form '九言' is not known", WRITE) == "form"
    assert key_of("start: give something to begin with", WRITE) == "start"
    assert key_of("the server is busy", WRITE) is None
