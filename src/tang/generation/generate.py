"""Poems from a model and a request."""

from collections.abc import Sequence
from heapq import nlargest
from itertools import chain
from typing import cast

import torch

from tang.console import tracked
from tang.generation.constraint import Constraint
from tang.generation.drafts import drafts_of, title_of
from tang.generation.overlap import Spans
from tang.generation.poem import Poem
from tang.generation.request import Request
from tang.generation.writer import Writer
from tang.tasks.poem_model import PoemModelBase
from tang.text.script import Script


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
            count = request.used_n * request.candidates  # of each choice: the next one's random numbers are others
            return [
                poem
                for index, choice in enumerate(choices)
                for poem in generate(model, request, choice, spans, show_progress, written_before + index * count)
            ]
    drafts = drafts_of(model, request, constraints, written_before)
    network, candidates, title = model.network, request.candidates, title_of(model, request.title)
    writers = (Writer(model, layout, request, constraints, spans, title) for layout in drafts)
    was_training = network.training
    network.eval()
    try:
        with torch.autocast(network.head.weight.device.type, torch.bfloat16, enabled=request.precision == "bf16-mixed"):
            steps = chain.from_iterable(map(Writer.write, writers, drafts.values()))
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
