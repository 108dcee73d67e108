"""Measurements until the time is up."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from agenda import Deadline, Found, Item, Outcome, Part, carry_out, section


def part(**items: Callable[[Deadline], Found]) -> Part:
    return Part("About.", [Item(name, measure) for name, measure in items.items()], lambda found: [found])


def crash(deadline: Deadline) -> Found:
    raise RuntimeError("Traceback\n  somewhere\nOutOfMemoryError: 80 GiB")


def endless(deadline: Deadline) -> Found:
    time.sleep(deadline.left)
    raise subprocess.TimeoutExpired("python", 0.0)


def test_what_fails_or_does_not_fit_is_named_and_the_rest_is_kept() -> None:
    parts = {
        "first": part(broken=crash, whole=lambda deadline: {"tokens": "7"}),
        "second": part(long=endless, late=lambda deadline: {"tokens": "8"}),
    }
    saved: list[dict[str, list[tuple[str, str]]]] = []

    def save(outcomes: Mapping[str, Sequence[Outcome]]) -> None:
        saved.append({name: [(each.state, each.why) for each in of] for name, of in outcomes.items()})

    outcomes = carry_out(parts, Deadline(0.2), save)
    unbegun = ("did not fit", "not begun")
    broken, whole = ("failed", "OutOfMemoryError: 80 GiB"), ("measured", "")
    assert saved == [
        {"first": [broken, unbegun], "second": [unbegun, unbegun]},
        {"first": [broken, whole], "second": [unbegun, unbegun]},
        {"first": [broken, whole], "second": [("did not fit", "stopped after 0 s"), unbegun]},
        {
            "first": [broken, whole],
            "second": [("did not fit", "stopped after 0 s"), ("did not fit", "no time was left")],
        },
    ]
    assert "in crash" in outcomes["first"][0].error
    shown = section("first", parts["first"], outcomes["first"])
    assert "| tokens |" in shown
    assert shown.endswith("- broken: failed, OutOfMemoryError: 80 GiB")
