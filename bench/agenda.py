"""Measurements in order of value until the time is up; one that fails or takes too long costs none of the others."""

import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tang.errors import printable
from tang.tables import markdown

State = Literal["measured", "skipped", "did not fit", "failed"]

Found = dict[str, Any]
"""What was measured, as plain values."""

MAX_ERROR = 4000
"""Characters of an error that are kept, from its end."""


class Deadline:
    """The moment until which there is time, so many seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds; negative when the time is up."""
        return self._end - time.monotonic()


@dataclass(frozen=True)
class Item:
    """One measurement; it ends by the deadline or raises :class:`subprocess.TimeoutExpired`."""

    name: str
    measure: Callable[[Deadline], Found]


@dataclass(frozen=True)
class Part:
    """Measurements that share a table."""

    about: str
    items: Sequence[Item]
    rows: Callable[[Found], list[dict[str, str]]]
    """The rows of the table for what an item found."""


@dataclass(frozen=True)
class Outcome:
    """How an item ended."""

    item: str
    state: State
    why: str = ""
    """In one line; empty if it was measured."""
    found: Found | None = None
    seconds: float = 0.0
    error: str = ""
    """The end of a traceback."""


class IncompleteError(Exception):
    """Raised by an item that isn't measured, or in part: its state, why in one line, and what was found."""

    def __init__(self, state: State, why: str, found: Found | None = None) -> None:
        super().__init__(why)
        self.state, self.found = state, found


def carry_out(
    parts: Mapping[str, Part], deadline: Deadline, save: Callable[[Mapping[str, Sequence[Outcome]]], None]
) -> dict[str, list[Outcome]]:
    """Measure all items, in order; ``save`` is given the outcomes of all parts after each of them."""
    outcomes = {
        name: [Outcome(item.name, "did not fit", "not begun") for item in part.items] for name, part in parts.items()
    }
    for name, part in parts.items():
        for index, item in enumerate(part.items):
            outcomes[name][index] = done = outcome(item, deadline)
            print(f"{name}, {item.name}: {done.state} {done.why}".strip(), file=sys.stderr)
            save(outcomes)
    return outcomes


def outcome(item: Item, deadline: Deadline) -> Outcome:
    """Measure an item, if there is time left."""
    if deadline.left <= 0:
        return Outcome(item.name, "did not fit", "no time was left")
    begin = time.monotonic()

    def ended(state: State, why: str = "", found: Found | None = None, error: str = "") -> Outcome:
        return Outcome(item.name, state, why, found, time.monotonic() - begin, error)

    try:
        return ended("measured", found=item.measure(deadline))
    except IncompleteError as incomplete:
        return ended(incomplete.state, str(incomplete), incomplete.found)
    except subprocess.TimeoutExpired:
        return ended("did not fit", f"stopped after {time.monotonic() - begin:.0f} s")
    except Exception as failure:
        return ended("failed", last_line(failure), error=traceback.format_exc()[-MAX_ERROR:])


def last_line(failure: Exception) -> str:
    """The last line of an exception's message, where a traceback in it names the error."""
    lines = str(failure).strip().splitlines()
    return printable(lines[-1]) if lines else type(failure).__name__


def section(name: str, part: Part, outcomes: Sequence[Outcome]) -> str:
    """A part in Markdown: what it is, its table, and what isn't in it."""
    rows = [row for each in outcomes if each.found for row in part.rows(each.found)]
    missing = "\n".join(f"- {each.item}: {each.state}, {each.why}" for each in outcomes if each.state != "measured")
    seconds = sum(each.seconds for each in outcomes)
    blocks = [f"## {name}", f"{part.about} Measured in {seconds:,.0f} s.", markdown(rows) if rows else "", missing]
    return "\n\n".join(block for block in blocks if block)
