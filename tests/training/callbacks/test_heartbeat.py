"""When a process takes another for gone."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tang.training.callbacks import heartbeat
from tang.training.callbacks.heartbeat import ALIVE, ENDS, LEAVES, watch

OTHER = "process 1 on there"

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """A connection, this end first; beats are a hundredth of a second apart."""
    monkeypatch.setattr(heartbeat, "BEAT", 0.01)
    monkeypatch.setattr(heartbeat, "SILENCE", 0.3)
    here, there = socket.socketpair()
    here.setblocking(False)
    with here, there:
        yield here, there


def test_a_process_that_is_silent_for_long_is_gone(pair: Pair) -> None:
    here, there = pair
    threading.Timer(0.2, there.send, [ALIVE]).start()
    began = time.monotonic()
    assert watch({here: OTHER}, threading.Event()) == f"no word from {OTHER} for 0 s"
    assert time.monotonic() - began >= 0.5
    assert ALIVE in there.recv(100)


def test_a_process_whose_connection_ends_is_gone_at_once(pair: Pair) -> None:
    here, there = pair
    there.send(ALIVE)
    there.close()
    assert watch({here: OTHER}, threading.Event()) == f"{OTHER} has ended"


def test_of_an_end_that_another_process_has_told_there_is_no_more_to_say(pair: Pair) -> None:
    here, there = pair
    there.send(ALIVE + ENDS)
    there.close()
    assert watch({here: OTHER}, threading.Event()) == ""


def test_a_process_that_has_done_its_part_may_go(pair: Pair) -> None:
    here, there = pair
    there.send(ALIVE + LEAVES)
    there.close()
    leaves = threading.Event()
    threading.Timer(0.5, leaves.set).start()
    assert watch({here: OTHER}, leaves) is None
