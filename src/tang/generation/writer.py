"""Write the poems of one layout, many at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from tang.errors import InputError
from tang.generation.beam import search
from tang.generation.constraint import Batch, Constraint, Tracker
from tang.generation.overlap import Spans
from tang.generation.poem import Poem
from tang.generation.request import Request
from tang.generation.sampling import SamplingOptions, decode
from tang.generation.slots import Layout
from tang.tasks.language_model import LanguageModel

TRIES = 10  # attempts at a poem before it is given up


@dataclass(frozen=True)
class Draft:
    """A poem to be written, or with beam search the best poems of one start."""

    start: str  # the start as it was given
    text: str  # the start in the model's characters
    given: tuple[int, ...]  # (S,) the id that a slot must have, −1 where the model draws it
    index: int  # its place in the result
    number: int  # how many poems with this start come before it
    tries: int = 1


def write(
    model: LanguageModel,
    layout: Layout,
    drafts: Sequence[Draft],
    request: Request,
    constraints: Sequence[Constraint],
    spans: Spans | None,
) -> Iterator[tuple[int, list[Poem]]]:
    """The index and the poem of each draft, or with beam search its ``n`` best poems, in no order.

    Raises:
        InputError: the constraints leave no symbol for a slot, or beam search finds fewer poems.
    """
    wanted = request.n if request.decode == "beam" else 1
    waiting = list(drafts)
    while waiting:
        drafts, waiting = waiting[: request.batch_size], waiting[request.batch_size :]
        given = torch.tensor([draft.given for draft in drafts])
        trackers: list[Tracker] = []
        batch = Batch(layout, given, model.script, spans, trackers)
        for constraint in constraints:
            if tracker := constraint.tracker(batch):
                trackers.append(tracker)
        if request.decode == "beam":
            decoded = search(model.network, layout.mask, given, request.beams, trackers)
        else:
            uniforms = torch.stack([stream(request.seed, draft) for draft in drafts])
            options = SamplingOptions(request.used_temperature, request.top_k, request.top_p)
            decoded = decode(model.network, layout.mask, given, options, uniforms, trackers)
        ids, log_likelihoods, dead_ends = (column.tolist() for column in decoded)
        for position, draft in enumerate(drafts):
            rows = range(position * request.beams, (position + 1) * request.beams)
            whole = [row for row in rows if dead_ends[row] < 0][:wanted]
            if len(whole) == wanted:
                yield (
                    draft.index,
                    [_poem(draft, layout, ids[row], log_likelihoods[row], trackers, row) for row in whole],
                )
            elif request.used_temperature > 0 and draft.tries < TRIES:
                waiting.append(replace(draft, tries=draft.tries + 1))
            else:
                dead_end = max(dead_ends[row] for row in rows)
                raise InputError(_failure(draft, layout, constraints, len(whole), dead_end))


def stream(seed: int, draft: Draft) -> Tensor:
    """(S, 2) float32 in [0, 1): the random numbers of a poem; each attempt has other numbers."""
    tries = () if draft.tries == 1 else (draft.tries,)
    sequence = np.random.SeedSequence([seed, draft.number, *map(ord, draft.text)], spawn_key=tries)
    return torch.from_numpy(np.random.default_rng(sequence).random((len(draft.given), 2), dtype=np.float32))


def _poem(
    draft: Draft, layout: Layout, ids: list[int], log_likelihood: float, trackers: Sequence[Tracker], row: int
) -> Poem:
    form, lines = str(layout.form), layout.read(ids)
    text = "\n".join("".join(map("".join, lines[i : i + 2])) for i in range(0, len(lines), 2))
    reports = {name: value for tracker in trackers for name, value in tracker.report(row).items()}
    return Poem(draft.start, form, [line for line, _ in lines], text, log_likelihood, tries=draft.tries, **reports)


def _failure(draft: Draft, layout: Layout, constraints: Sequence[Constraint], found: int, dead_end: int) -> str:
    """The message for a draft with too few poems, ``found``; the slot ``dead_end`` had no symbol left."""
    start = f"start={draft.start}" if draft.start else ""
    asked = " ".join(filter(None, [start, *map(str, constraints)])) or f"form={layout.form}"
    if found:
        return f"{asked}: beam search finds {found} poems and no more; ask for n={found}, or raise beam_size"
    line, place = layout.where(dead_end)
    tries = f" in {draft.tries} tries" if draft.tries > 1 else ""
    return f"{asked}: nothing is left for line {line}, character {place}{tries}; leave out a constraint"
