"""Poems from a model and a request."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from heapq import nlargest
from itertools import chain
from typing import cast

import torch

from tang.console import tracked
from tang.errors import InputError
from tang.generation.beam import search
from tang.generation.constraint import Constraint, DraftBatch, Tracker
from tang.generation.drafts import Draft, drafts_of, random_numbers, stream, title_of
from tang.generation.overlap import Spans
from tang.generation.particles import fill
from tang.generation.poem import Poem
from tang.generation.request import Request
from tang.generation.sampling import Decoded, SamplingOptions, decode
from tang.generation.slots import Layout
from tang.tasks.poem_model import PoemModelBase
from tang.text.script import Script

TRIES = 10  # attempts at a poem before it is given up


def generate(
    model: PoemModelBase,
    request: Request,
    constraints: Sequence[Constraint] = (),
    spans: Spans | None = None,
    show_progress: bool = False,
    written_before: int = 0,
) -> list[Poem]:
    """Write the poems of a request: ``n`` for each start, in the order of the starts.

    A poem's random numbers follow from the seed, its start, and how many poems with this start come before it. So in
    float32 it is the same whatever else is asked for and whatever the batch size, but for the last bits of matmuls:
    they change hardly one poem in a thousand. In bfloat16 only the same request in the same batches gives the same.

    Args:
        model: its network is put into evaluation mode, and back afterwards.
        request: ``ckpt``, ``format`` and ``out`` have no effect here.
        constraints: what the poems must be beside their form.
        spans: the training split's, for constraints that need the corpus; None: read from the model's corpus.
        show_progress: whether to show a progress bar on stderr if that is a terminal.
        written_before: poems that come before these in the same request.

    Characters that are given needn't be known to the model: they stand as they are, and it reads ``<unk>``. An
    InputError if a start doesn't fit the form, a constraint can't be met, or the corpus is needed and can't be read.
    """
    if spans is None and any(constraint.needs_corpus for constraint in constraints):
        spans = Spans.of(model.data_module(**request.data.given()).prepared.splits["train"], model.vocabulary)
    for number, constraint in enumerate(constraints):
        if len(each := constraint.alternatives()) > 1:
            before, after = constraints[:number], constraints[number + 1 :]
            choices = [[*before, one, *after] for one in each]
            count = request.n * request.candidates  # of each choice: the next one's random numbers are others
            return [
                poem
                for index, choice in enumerate(choices)
                for poem in generate(model, request, choice, spans, show_progress, written_before + index * count)
            ]
    drafts = drafts_of(model, request, constraints, written_before)
    network, candidates = model.network, request.candidates
    layouts = (_write(model, layout, of_layout, request, constraints, spans) for layout, of_layout in drafts.items())
    was_training = network.training
    network.eval()
    try:
        with torch.autocast(network.head.weight.device.type, torch.bfloat16, enabled=request.precision == "bf16-mixed"):
            steps = chain.from_iterable(layouts)
            poems = dict(tracked(steps, "Writing", sum(map(len, drafts.values()))) if show_progress else steps)
    finally:
        network.train(was_training)
    written = [poem for index in sorted(poems) for poem in poems[index]]
    if candidates > 1:
        scored = [poem.scored(model.script) for poem in written]
        groups = [scored[i : i + candidates] for i in range(0, len(scored), candidates)]
        written = [poem for group in groups for poem in nlargest(request.best, group, lambda poem: poem.score or 0.0)]
    if request.script not in (None, model.script):  # converting a text to its own script could change it
        written = [poem.in_script(cast(Script, request.script)) for poem in written]
    if (request.script or model.script) == "simplified":
        given = "".join([*(request.beginnings[1] or []), *(constraint.given for constraint in constraints)])
        written = [poem.with_usual_characters(given) for poem in written]
    return written


def _write(
    model: PoemModelBase,
    layout: Layout,
    drafts: Sequence[Draft],
    request: Request,
    constraints: Sequence[Constraint],
    spans: Spans | None,
) -> Iterator[tuple[int, list[Poem]]]:
    """The index and the poem of each draft, or the ``n`` best poems of one that has such, in no order."""
    form, wanted = str(layout.form), request.n if request.writes_best else 1
    at_once = 1 if request.fills_gaps else request.batch_size
    title = title_of(model, request.title)
    waiting = list(drafts)
    while waiting:
        drafts, waiting = waiting[:at_once], waiting[at_once:]
        decoded, trackers = _decoded(model, layout, drafts, request, constraints, spans, title)
        ids, log_likelihoods, dead_ends = (column.tolist() for column in decoded)
        of_each = len(ids) // len(drafts)
        for position, draft in enumerate(drafts):
            rows = range(position * of_each, (position + 1) * of_each)
            poems = []
            for row in [row for row in rows if dead_ends[row] < 0][:wanted]:
                lines, text = layout.read(ids[row])
                reports = {name: value for tracker in trackers for name, value in tracker.report(row).items()}
                about = {"title": title, "tries": draft.tries, **reports}
                poems.append(Poem(draft.start, form, lines, text, log_likelihoods[row], **about))
            if len(poems) == wanted:
                yield draft.index, poems
            elif request.used_temperature > 0 and draft.tries < TRIES:
                waiting.append(replace(draft, tries=draft.tries + 1))
            else:
                dead_end = max(dead_ends[row] for row in rows)
                raise InputError(_failure(draft, layout, request, constraints, len(poems), dead_end))


def _decoded(
    model: PoemModelBase,
    layout: Layout,
    drafts: Sequence[Draft],
    request: Request,
    constraints: Sequence[Constraint],
    spans: Spans | None,
    title: str,
) -> tuple[Decoded, list[Tracker]]:
    """Equally many poems of each draft, the best first, and the trackers of their constraints."""
    given = torch.tensor([draft.given for draft in drafts])
    trackers: list[Tracker] = []
    batch = DraftBatch(layout, given, model.script, len(model.vocabulary), spans, trackers)
    for constraint in constraints:
        if tracker := constraint.tracker(batch):
            trackers.append(tracker)
    network, about, seed = model.network, model.vocabulary.encode(title), request.used_seed
    if request.decode == "beam":
        return search(network, layout.mask, given, request.beams, trackers, about), trackers
    if request.fills_gaps:
        (draft,) = drafts
        size, temperature = request.particles, request.used_temperature
        random = random_numbers(seed, draft)
        return fill(network, layout.mask, given[0], size, temperature, random, trackers, about).decoded, trackers
    uniforms = torch.stack([stream(seed, draft) for draft in drafts])
    options = SamplingOptions(request.used_temperature, request.top_k, request.top_p)
    return decode(network, layout.mask, given, options, uniforms, trackers, about), trackers


def _failure(
    draft: Draft, layout: Layout, request: Request, constraints: Sequence[Constraint], found: int, dead_end: int
) -> str:
    """The message for a draft with too few poems, ``found``; the slot ``dead_end`` had no symbol left."""
    start = f"{draft.asked}={draft.start}" if draft.start else ""
    asked = " ".join(filter(None, [start, *map(str, constraints)])) or f"form={layout.form}"
    if found:
        many = f"particles={request.particles}" if request.fills_gaps else f"beam_size={request.beams}"
        return f"{asked}: {many} finds {found} poems and no more; ask for n={found}, or raise it"
    line, place = layout.where(dead_end)
    tries = f" in {draft.tries} tries" if draft.tries > 1 else ""
    return f"{asked}: nothing is left for line {line}, character {place}{tries}; leave out a constraint"
