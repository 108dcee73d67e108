"""Writing the poems of one layout, many at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tang.generation.beam import search
from tang.generation.constraints.base import Batch, Constraint, Tracker
from tang.generation.overlap import Spans
from tang.generation.poem import Poem
from tang.generation.request import Request
from tang.generation.sampling import SamplingOptions, decode
from tang.generation.slots import Layout
from tang.tasks.language_model import LanguageModel


@dataclass(frozen=True)
class Draft:
    """A poem to be written, or with beam search the best poems of one start."""

    start: str  # the start as it was given
    text: str  # the start in the model's characters
    given: tuple[int, ...]  # (S,) the id that a slot must have, −1 where the model draws it
    index: int  # its place in the result
    number: int  # how many poems with this start come before it
    tries: int = 1


@dataclass(frozen=True)
class Writer:
    """Writes drafts of one layout."""

    model: LanguageModel
    layout: Layout
    request: Request
    constraints: Sequence[Constraint]
    spans: Spans | None  # the training split's lines and spans, if a constraint needs the corpus

    def write(self, drafts: Sequence[Draft]) -> Iterator[tuple[Draft, list[Poem], int]]:
        """Each draft, its poem (with beam search several, best first), and a slot where no symbol was left or −1."""
        request, network, mask = self.request, self.model.network, self.layout.mask
        given = torch.tensor([draft.given for draft in drafts])
        trackers: list[Tracker] = []
        batch = Batch(self.layout, given, self.model.script, self.spans, trackers)
        for constraint in self.constraints:
            if tracker := constraint.tracker(batch):
                trackers.append(tracker)
        if request.decode == "beam":
            decoded = search(network, mask, given, request.beams, trackers)
        else:
            streams = [stream(request.seed, each.text, each.number, len(mask), each.tries) for each in drafts]
            options = SamplingOptions(request.used_temperature, request.top_k, request.top_p)
            decoded = decode(network, mask, given, options, torch.stack(streams), trackers)
        ids, log_likelihoods, dead_ends = (column.tolist() for column in decoded)
        for position, draft in enumerate(drafts):
            rows = range(position * request.beams, (position + 1) * request.beams)
            found = []
            for row in rows:
                if dead_ends[row] < 0:
                    reports = {name: value for tracker in trackers for name, value in tracker.report(row).items()}
                    found.append(self._poem(draft, ids[row], log_likelihoods[row], reports))
            yield draft, found, max(dead_ends[row] for row in rows)

    def _poem(self, draft: Draft, ids: list[int], log_likelihood: float, reports: dict[str, Any]) -> Poem:
        form, lines = str(self.layout.form), self.layout.read(ids)
        text = "\n".join("".join(map("".join, lines[i : i + 2])) for i in range(0, len(lines), 2))
        return Poem(draft.start, form, [line for line, _ in lines], text, log_likelihood, tries=draft.tries, **reports)

    def failure(self, draft: Draft, found: int, dead_end: int) -> str:
        """The message for a draft with too few poems, ``found``; the slot ``dead_end`` had no symbol left."""
        start = f"start={draft.start}" if draft.start else ""
        asked = " ".join(filter(None, [start, *map(str, self.constraints)])) or f"form={self.layout.form}"
        if found:
            return f"{asked}: beam search finds {found} poems and no more; ask for n={found}, or raise beam_size"
        line, place = self.layout.where(dead_end)
        tries = f" in {draft.tries} tries" if draft.tries > 1 else ""
        return f"{asked}: nothing is left for line {line}, character {place}{tries}; leave out a constraint"


def stream(seed: int, start: str, number: int, slots: int, tries: int = 1) -> Tensor:
    """(S, 2) float32 in [0, 1): the random numbers of the poem with this number among those with this start.

    ``tries`` counts the attempts at it; each has other numbers.
    """
    sequence = np.random.SeedSequence([seed, number, *map(ord, start)], spawn_key=() if tries == 1 else (tries,))
    return torch.from_numpy(np.random.default_rng(sequence).random((slots, 2), dtype=np.float32))
