"""Poems of one layout, many at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from torch import Tensor

from tang.generation.beam import search
from tang.generation.constraints import Contains, NoCopy, NoRepeat
from tang.generation.overlap import Spans
from tang.generation.poem import Poem
from tang.generation.prosody_rules import Rules
from tang.generation.regulated import Regulated
from tang.generation.sampling import Settings, decode
from tang.tasks.network import Network


@dataclass(frozen=True)
class Asked:
    """A poem that is to be written."""

    start: str
    """As it was given."""
    text: str
    """As the model knows it."""
    given: tuple[int, ...]
    """(S,) the symbol that a slot must have, −1 where the model draws it."""
    place: int
    """In the answer."""
    number: int
    """How many poems for this start come before it."""
    tries: int = 1


@dataclass(frozen=True)
class Writer:
    """Writes the poems of one layout, so many at once; see :func:`write`."""

    network: Network
    rules: Rules
    settings: Settings
    seed: int
    spans: Spans | None
    beam_size: int | None

    def write(self, asked: Sequence[Asked]) -> Iterator[tuple[Asked, list[Poem], int]]:
        """Of each its poem, of a beam several, best first; and a slot where nothing was left, −1 if there is none."""
        layout, wishes, beams = self.rules.layout, self.rules.wishes, self.beam_size or 1
        given = torch.tensor([poem.given for poem in asked])
        no_repeat = NoRepeat(given, layout.lines, len(layout.vocabulary)) if wishes.no_repeat else None
        regulated = Regulated(self.rules, given, no_repeat) if wishes.rhyme or wishes.tones else None
        words = wishes.words(layout)
        contains = Contains(words, given, layout.lines, len(layout.vocabulary)) if words else None
        no_copy = NoCopy(self.spans, given, layout.lines) if self.spans else None
        constraints = [part for part in (no_repeat, regulated, contains, no_copy) if part]
        if self.beam_size:
            decoded = search(self.network, layout.mask, given, self.beam_size, constraints)
        else:
            streams = [stream(self.seed, poem.text, poem.number, len(layout.slots), poem.tries) for poem in asked]
            decoded = decode(self.network, layout.mask, given, self.settings, torch.stack(streams), constraints)
        missing = contains.missing().tolist() if contains else [[]] * len(decoded.ids)
        ids, log_likelihoods, dead_ends = (part.tolist() for part in decoded)
        for first, poem in zip(count(0, beams), asked, strict=False):
            rows = [row for row in range(first, first + beams) if dead_ends[row] < 0]
            found = []
            for row in rows:
                absent = [word for word, is_absent in zip(wishes.contains, missing[row], strict=True) if is_absent]
                outcome = regulated.outcome(row) if regulated else {}
                found.append(self._read(poem, ids[row], log_likelihoods[row], absent, **outcome))
            yield poem, found, max(dead_ends[first : first + beams])

    @property
    def draws(self) -> bool:
        """Whether another try can give another poem."""
        return self.beam_size is None and self.settings.temperature > 0

    def stuck(self, asked: Asked, found: int, dead_end: int) -> str:
        """Why so few poems were ``found``: the slot ``dead_end`` is where nothing was left."""
        start = f"start={asked.start}" if asked.start else ""
        wishes = " ".join(filter(None, (start, str(self.rules.wishes), "no_copy=true" if self.spans else "")))
        if found:
            return f"{wishes}: beam search finds {found} poems and no more; ask for n={found}, or raise beam_size"
        lines = self.rules.layout.lines
        line = int(lines[: dead_end + 1].max())
        place = int((lines[: dead_end + 1] == line).sum())
        tries = f" in {asked.tries} tries" if asked.tries > 1 else ""
        return f"{wishes}: nothing is left for line {line + 1}, character {place}{tries}; leave one of the wishes out"

    def _read(
        self,
        asked: Asked,
        ids: list[int],
        log_likelihood: float,
        missing: list[str],
        pattern: str | None = None,
        rhyme: str | None = None,
    ) -> Poem:
        """The poem of these symbols."""
        lines = self.rules.layout.read(ids)
        couplets = ["".join(map("".join, lines[i : i + 2])) for i in range(0, len(lines), 2)]
        return Poem(
            start=asked.start,
            form=str(self.rules.layout.form),
            lines=[line for line, _ in lines],
            text="\n".join(couplets),
            log_likelihood=log_likelihood,
            missing=missing,
            tries=asked.tries,
            pattern=pattern,
            rhyme=rhyme,
        )


def stream(seed: int, start: str, number: int, slots: int, tries: int = 1) -> Tensor:
    """(S, 2) float32 in [0, 1): the random numbers of the poem with this number among those with this start.

    ``tries`` counts the attempts at it; each has other numbers.
    """
    sequence = np.random.SeedSequence([seed, number, *map(ord, start)], spawn_key=() if tries == 1 else (tries,))
    return torch.from_numpy(np.random.default_rng(sequence).random((slots, 2), dtype=np.float32))
