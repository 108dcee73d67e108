"""Poems from a model and a request."""

import sys
from collections.abc import Sequence
from heapq import nlargest
from itertools import chain
from typing import cast

import torch
from rich.console import Console
from rich.progress import track

from tang.config.rules import STARTS
from tang.data.vocabulary import Vocabulary
from tang.errors import InputError
from tang.generation.constraint import Constraint
from tang.generation.overlap import Spans
from tang.generation.poem import Poem
from tang.generation.request import Request
from tang.generation.slots import Layout, form_for, in_vocabulary
from tang.generation.writer import Draft, write
from tang.tasks.language_model import LanguageModel
from tang.text.script import MARKS, Script


def generate(
    model: LanguageModel,
    request: Request,
    constraints: Sequence[Constraint] = (),
    spans: Spans | None = None,
    show_progress: bool = False,
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

    Raises:
        InputError: a start doesn't fit the form or has a character outside the vocabulary, a constraint can't be met,
            or the corpus is needed and can't be read.
    """
    drafts = _drafts(model, request, constraints)
    if spans is None and any(constraint.needs_corpus for constraint in constraints):
        spans = Spans.of(model.data_module(**request.data.given()).prepared.splits["train"], model.vocabulary)
    network, candidates = model.network, request.candidates
    layouts = (write(model, layout, of_layout, request, constraints, spans) for layout, of_layout in drafts.items())
    console, hidden = Console(stderr=True), not (show_progress and sys.stderr.isatty())
    was_training = network.training
    network.eval()
    try:
        with torch.autocast(network.head.weight.device.type, torch.bfloat16, enabled=request.precision == "bf16-mixed"):
            total, steps = sum(map(len, drafts.values())), chain.from_iterable(layouts)
            poems = dict(track(steps, "Writing", total, console=console, transient=True, disable=hidden))
    finally:
        network.train(was_training)
    written = [poem for index in sorted(poems) for poem in poems[index]]
    if candidates > 1:
        scored = [poem.scored(model.script) for poem in written]
        groups = [scored[i : i + candidates] for i in range(0, len(scored), candidates)]
        written = [poem for group in groups for poem in nlargest(request.best, group, lambda poem: poem.score or 0.0)]
    if request.script in (None, model.script):  # converting a text to its own script could change it
        return written
    return [poem.in_script(cast(Script, request.script)) for poem in written]


def _drafts(model: LanguageModel, request: Request, constraints: Sequence[Constraint]) -> dict[Layout, list[Draft]]:
    """Layout → the drafts of the poems that have it."""
    vocabulary, form, n = model.vocabulary, request.asked_form, request.n * request.candidates
    starts = request.start
    if starts is None:
        fills = any(constraint.place(Layout(form or model.form, vocabulary)) for constraint in constraints)
        starts = [""] if fills else known_starts(vocabulary, STARTS)
    if not starts:
        raise InputError("start: give something to begin with, start=日")
    texts = [in_vocabulary("".join(start.split()).translate(MARKS), vocabulary) for start in starts]
    drafts: dict[Layout, list[Draft]] = {}
    for index, text in enumerate(texts):
        layout = Layout(form or form_for(text, model.form), vocabulary)
        given, before = _given(layout, text, constraints), n * texts[:index].count(text)
        drafts.setdefault(layout, []).extend(
            Draft(starts[index], text, given, n * index + copy, before + copy)
            for copy in range(1 if request.decode == "beam" else n)
        )
    return drafts


def _given(layout: Layout, start: str, constraints: Sequence[Constraint]) -> tuple[int, ...]:
    """(S,) the id that each slot must have by ``start`` and the constraints, −1 where the model draws it."""
    by_start, symbols = layout.place(start), layout.vocabulary.symbols
    ids = list(by_start)
    for constraint in constraints:
        for slot, id in constraint.place(layout).items():
            if (other := ids[slot]) not in (-1, id):
                line, place = layout.where(slot)
                cause = "another constraint" if by_start[slot] < 0 else f"start={start}"
                raise InputError(
                    f"{constraint}: {symbols[id]} should be character {place} of line {line}, but {cause} has "
                    f"{symbols[other]} there; leave one of the two out"
                )
            ids[slot] = id
    return tuple(ids)


def known_starts(vocabulary: Vocabulary, starts: Sequence[str]) -> list[str]:
    """The starts whose characters are all in the vocabulary, in one script or the other."""
    return [start for start in starts if all(character in vocabulary for character in in_vocabulary(start, vocabulary))]
