"""Writes the drafts of a layout: by sampling, by beam search, or by both where there are gaps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch

from tang.errors import InputError
from tang.generation.beam import search
from tang.generation.constraint import Constraint, DraftBatch, Tracker
from tang.generation.drafts import Draft, random_numbers, stream
from tang.generation.overlap import Spans
from tang.generation.particles import fill
from tang.generation.poem import Poem
from tang.generation.request import Request
from tang.generation.sampling import Decoded, SamplingOptions, decode
from tang.generation.slots import Layout
from tang.tasks.poem_model import PoemModelBase

TRIES = 10  # attempts at a poem before it is given up


class Row(NamedTuple):
    """One of the poems that were decoded together."""

    ids: tuple[int, ...]
    log_likelihood: float
    dead_end: int
    merit: float  # what the best are chosen by: ln p, and what the constraints add to it
    trackers: Sequence[Tracker]
    number: int  # its number there, for the trackers


@dataclass(frozen=True)
class Writer:
    """Writes poems of one layout as a request asks; ``spans`` and ``title`` are the model's."""

    model: PoemModelBase
    layout: Layout
    request: Request
    constraints: Sequence[Constraint]
    spans: Spans | None
    title: str

    def write(self, drafts: Sequence[Draft]) -> Iterator[tuple[int, list[Poem]]]:
        """The index and the poem of each draft, or the ``n`` best poems of one that has such, in no order."""
        request = self.request
        at_once, wanted = (1, request.used_n) if request.writes_best else (request.batch_size, 1)
        waiting = list(drafts)
        while waiting:
            drafts, waiting = waiting[:at_once], waiting[at_once:]
            found = [self._best(drafts[0])] if request.writes_best else [[row] for row in self._sampled(drafts)]
            for draft, rows in zip(drafts, found, strict=True):
                alive = [row for row in rows if row.dead_end < 0]
                if len(alive) >= wanted:
                    yield draft.index, [self._poem(draft, row) for row in alive[:wanted]]
                elif request.used_temperature > 0 and draft.tries < TRIES:
                    waiting.append(replace(draft, tries=draft.tries + 1))
                else:
                    dead_end = max(row.dead_end for row in rows)
                    raise InputError(self._failure(draft, len(alive), dead_end))

    def _sampled(self, drafts: Sequence[Draft]) -> list[Row]:
        """One poem of each draft."""
        request, trackers, title = self.request, self._trackers(drafts), self.model.vocabulary.encode(self.title)
        given = torch.tensor([draft.given for draft in drafts])
        uniforms = torch.stack([stream(request.used_seed, draft) for draft in drafts])
        options = SamplingOptions(request.used_temperature, request.top_k, request.top_p)
        return _rows(decode(self.model.network, self.layout.mask, given, options, uniforms, trackers, title), trackers)

    def _best(self, draft: Draft) -> list[Row]:
        """Distinct poems, the best first: those of a beam, and of particles where these fill gaps."""
        request, trackers, title = self.request, self._trackers([draft]), self.model.vocabulary.encode(self.title)
        network, mask, given = self.model.network, self.layout.mask, torch.tensor(draft.given)
        found = []
        if request.beams:
            found += _rows(search(network, mask, given, request.beams, trackers, title), trackers)
        if request.fills_gaps:
            trackers, random = self._trackers([draft]), random_numbers(request.used_seed, draft)
            size, temperature = request.particles, request.used_temperature
            filled = fill(network, mask, given, size, temperature, random, trackers, title)
            found += _rows(filled.decoded, trackers)
        return sorted({row.ids: row for row in found}.values(), key=lambda row: -row.merit)

    def _trackers(self, drafts: Sequence[Draft]) -> list[Tracker]:
        given, trackers = torch.tensor([draft.given for draft in drafts]), list[Tracker]()
        known = len(self.model.vocabulary)
        embedding = self.model.network.embedding.weight.detach().float().cpu()
        batch = DraftBatch(self.layout, given, self.model.script, known, self.spans, trackers, embedding)
        for constraint in self.constraints:
            if tracker := constraint.tracker(batch):
                trackers.append(tracker)
        return trackers

    def _poem(self, draft: Draft, row: Row) -> Poem:
        lines, text = self.layout.read(list(row.ids))
        reports = {name: value for tracker in row.trackers for name, value in tracker.report(row.number).items()}
        about = {"title": self.title, "tries": draft.tries, **reports}
        return Poem(draft.start, str(self.layout.form), lines, text, row.log_likelihood, **about)

    def _failure(self, draft: Draft, found: int, dead_end: int) -> str:
        """The message for a draft with too few poems, ``found``; the slot ``dead_end`` had no symbol left."""
        request, start = self.request, f"{draft.asked}={draft.start}" if draft.start else ""
        asked = " ".join(filter(None, [start, *map(str, self.constraints)])) or f"form={self.layout.form}"
        if found:
            particles = f"particles={request.particles} and " if request.fills_gaps else ""
            many = f"{particles}beam_size={request.beams}"
            return f"{asked}: no more than {found} poems are found by {many}; ask for n={found}, or for more of these"
        line, place = self.layout.where(dead_end)
        tries = f" in {draft.tries} tries" if draft.tries > 1 else ""
        return f"{asked}: nothing is left for line {line}, character {place}{tries}; leave out a constraint"


def _rows(decoded: Decoded, trackers: Sequence[Tracker]) -> list[Row]:
    merit = decoded.log_likelihood + sum(added for tracker in trackers if (added := tracker.merit()) is not None)
    rows = zip(*(column.tolist() for column in (*decoded, merit)), strict=True)
    return [Row(tuple(ids), log_p, dead_end, best, trackers, n) for n, (ids, log_p, dead_end, best) in enumerate(rows)]
