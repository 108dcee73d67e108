"""Counts by kind with examples, so that nothing is left out of a text without a word."""

from collections.abc import Iterator
from dataclasses import dataclass, field

EXAMPLES = 3  # Number of examples kept of each kind
WIDTH = 10  # Characters of an example


@dataclass
class Tally:
    """How many of each kind there were, and the first few of them."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, example: str, count: int = 1) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + count
        known = self.examples.setdefault(kind, [])
        if len(known) < EXAMPLES and (short := shortened(example)) not in known:
            known.append(short)

    def update(self, other: "Tally") -> None:
        """Add all that ``other`` counted."""
        for kind, count in other.counts.items():
            self.add(kind, other.examples[kind][0], count)
            for example in other.examples[kind][1:]:
                self.add(kind, example, 0)

    def total(self) -> int:
        return sum(self.counts.values())

    def rows(self) -> Iterator[tuple[str, str]]:
        """Kind and ``count: example, example, …``, the commonest first."""
        for kind, count in sorted(self.counts.items(), key=lambda item: -item[1]):
            examples = ", ".join(filter(None, self.examples[kind]))
            more = ", …" if count > len(self.examples[kind]) else ""
            yield kind, f"{count:,}: {examples}{more}" if examples else f"{count:,}"


def shortened(text: str) -> str:
    """``text`` in one line, cut to :data:`WIDTH` characters."""
    line = " ".join(text[: 4 * WIDTH].split())
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"


def around(text: str, position: int) -> str:
    """The few characters of ``text`` around a position."""
    return text[max(0, position - WIDTH // 2) : position + WIDTH // 2]
