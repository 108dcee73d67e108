"""``src/page.py`` as a user starts and ends it."""

import json
import re
import signal
import time
from pathlib import Path

import pytest

from tests.commands import Fork
from tests.commands import script as path_of
from tests.page.serving import Page


def port_of(running: Fork) -> int:
    """The port in the address that it prints, as soon as it does."""
    deadline = time.monotonic() + 120
    while running.poll() is None and time.monotonic() < deadline:
        if running.out.exists() and (found := re.search(r"http://127\.0\.0\.1:(\d+)", running.out.read_text("utf-8"))):
            return int(found[1])
        time.sleep(0.1)
    raise AssertionError(running.err.read_text("utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_what_is_being_written(tmp_path: Path, number: signal.Signals) -> None:
    with Fork([path_of("page"), "port=0"], tmp_path, tmp_path / "page") as running:
        page = Page(port_of(running))
        connection = page.begin("/write", {"start": ["春"], "n": 3, "form": "五言绝句", "rhyme": "true", "seed": 1})
        response = connection.getresponse()
        assert json.loads(response.readline()) == {"seed": 1, "count": 3}
        running.send_signal(number)
        poems = [json.loads(line)["poem"] for line in response]
        assert len(poems) == 3
        assert all(poem["lines"][0]["simplified"].startswith("春") for poem in poems)
        connection.close()
        assert running.wait(60) == 0
        assert running.err.read_text("utf-8") == ""
