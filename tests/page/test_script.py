"""``src/page.py`` as a user starts and ends it."""

import json
import signal
from pathlib import Path

import pytest

from tang.page.streaming import PLACES
from tang.tasks.language_model import LanguageModel
from tests.page.serving import page_script


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_what_is_being_written(
    small_model: LanguageModel, tmp_path: Path, number: signal.Signals
) -> None:
    with page_script(small_model, tmp_path) as (page, running):
        clients = [page.begin("/write", {"start": ["春"], "n": 6, "seed": 1}) for _ in range(PLACES)]
        answers = [client.getresponse() for client in clients]
        assert [json.loads(answer.readline()) for answer in answers] == [{"seed": 1, "count": 6}] * PLACES
        running.send_signal(number)
        for client, answer in zip(clients, answers, strict=True):
            poems = [json.loads(line)["poem"] for line in answer]
            assert len(poems) == 6
            assert all(poem["lines"][0]["simplified"].startswith("春") for poem in poems)
            client.close()
        assert running.wait(60) == 0
        assert running.err.read_text("utf-8") == ""
