"""Poems from a model and a request."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import nlargest
from itertools import chain, islice
from typing import cast

import numpy as np
import torch
from torch import Tensor

from tang.config.keys import STARTS
from tang.console import tracked
from tang.corpus.clean import MAX_TITLE, clean_title
from tang.data.vocabulary import SPECIALS, Vocabulary
from tang.errors import InputError
from tang.generation.beam import search
from tang.generation.constraint import Constraint, DraftBatch, Tracker
from tang.generation.overlap import Spans
from tang.generation.poem import Poem
from tang.generation.request import Request
from tang.generation.sampling import SamplingOptions, decode
from tang.generation.slots import Layout, form_for, in_vocabulary
from tang.tasks.poem_model import PoemModelBase
from tang.text.characters import normalize
from tang.text.forms import hanzi, longer
from tang.text.script import MARKS, Script, convert

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
    drafts = _drafts(model, request, constraints, written_before)
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
        given = "".join([*(request.start or []), *(constraint.given for constraint in constraints)])
        written = [poem.with_usual_characters(given) for poem in written]
    return written


def _drafts(
    model: PoemModelBase, request: Request, constraints: Sequence[Constraint], written_before: int
) -> dict[Layout, list[Draft]]:
    """Layout → the drafts of the poems that have it."""
    form, n = request.asked_form, request.n * request.candidates
    starts = request.start
    asked = ["".join(request.start or []), *(constraint.given for constraint in constraints)]
    vocabulary, undrawn = _with_guests(model, asked, "".join(constraint.drawn for constraint in constraints))
    if starts is None:
        is_free = request.title is not None or any(constraint.lines for constraint in constraints)
        starts = [""] if is_free else default_starts(model.vocabulary)
    if not starts:
        raise InputError("start: give something to begin with, start=日")
    texts = [in_vocabulary("".join(normalize(start).split()).translate(MARKS), vocabulary) for start in starts]
    lines = max((constraint.lines for constraint in constraints), default=0)
    drafts: dict[Layout, list[Draft]] = {}
    for index, text in enumerate(texts):
        layout = Layout(form or longer(form_for(text, model.form), lines), vocabulary, undrawn)
        given, before = _given(layout, text, constraints), written_before + n * texts[:index].count(text)
        drafts.setdefault(layout, []).extend(
            Draft(starts[index], text, given, n * index + copy, before + copy)
            for copy in range(1 if request.decode == "beam" else n)
        )
    return drafts


def _title(model: PoemModelBase, asked: str | None) -> str:
    """The title in the characters of the model; an InputError if it is none, or the model reads none."""
    if asked is None:
        return ""
    title = convert([clean_title(normalize(asked))], model.script)[0]
    if not model.data.titles:
        raise InputError(f"title={asked}: this model was trained without titles; take one of data.titles=true")
    if not title:
        raise InputError(f"title={asked}: give a few Chinese characters")
    if len(hanzi(asked)) > MAX_TITLE:
        raise InputError(f"title={asked}: a title has at most {MAX_TITLE} characters; shorten it")
    return title


def _with_guests(model: PoemModelBase, given: Sequence[str], drawn: str) -> tuple[Vocabulary, frozenset[str]]:
    """The vocabulary with the given characters that the model doesn't know, and those that are never drawn.

    They are in the model's script. ``drawn`` are those that a constraint draws.
    """
    known = model.vocabulary

    def guests(text: str) -> list[str]:
        own = convert([hanzi(normalize(text))], model.script)[0]
        return [character for character in own if in_vocabulary(character, known) not in known]

    strangers = guests("".join(given))
    return known.with_guests(strangers), frozenset(strangers) - frozenset(guests(drawn))


def _given(layout: Layout, start: str, constraints: Sequence[Constraint]) -> tuple[int, ...]:
    """(S,) the id that each slot must have by ``start`` and the constraints, −1 where the model draws it."""
    by_start, symbols = layout.prompt_ids(start), layout.vocabulary.symbols
    ids = list(by_start)
    for constraint in constraints:
        for slot, id in constraint.fixed(layout).items():
            if (other := ids[slot]) not in (-1, id):
                line, place = layout.where(slot)
                cause = "another constraint" if by_start[slot] < 0 else f"start={start}"
                raise InputError(
                    f"{constraint}: {symbols[id]} should be character {place} of line {line}, but {cause} has "
                    f"{symbols[other]} there; leave one of the two out"
                )
            ids[slot] = id
    return tuple(ids)


def _write(
    model: PoemModelBase,
    layout: Layout,
    drafts: Sequence[Draft],
    request: Request,
    constraints: Sequence[Constraint],
    spans: Spans | None,
) -> Iterator[tuple[int, list[Poem]]]:
    """The index and the poem of each draft, or with beam search its ``n`` best poems, in no order."""
    form, wanted = str(layout.form), request.n if request.decode == "beam" else 1
    written_title = _title(model, request.title)
    title = model.vocabulary.encode(written_title)
    waiting = list(drafts)
    while waiting:
        drafts, waiting = waiting[: request.batch_size], waiting[request.batch_size :]
        given = torch.tensor([draft.given for draft in drafts])
        trackers: list[Tracker] = []
        batch = DraftBatch(layout, given, model.script, len(model.vocabulary), spans, trackers)
        for constraint in constraints:
            if tracker := constraint.tracker(batch):
                trackers.append(tracker)
        if request.decode == "beam":
            decoded = search(model.network, layout.mask, given, request.beams, trackers, title)
        else:
            uniforms = torch.stack([_stream(request.used_seed, draft) for draft in drafts])
            options = SamplingOptions(request.used_temperature, request.top_k, request.top_p)
            decoded = decode(model.network, layout.mask, given, options, uniforms, trackers, title)
        ids, log_likelihoods, dead_ends = (column.tolist() for column in decoded)
        for position, draft in enumerate(drafts):
            rows = range(position * request.beams, (position + 1) * request.beams)
            poems = []
            for row in [row for row in rows if dead_ends[row] < 0][:wanted]:
                lines, text = layout.read(ids[row])
                reports = {name: value for tracker in trackers for name, value in tracker.report(row).items()}
                about = {"title": written_title, "tries": draft.tries, **reports}
                poems.append(Poem(draft.start, form, lines, text, log_likelihoods[row], **about))
            if len(poems) == wanted:
                yield draft.index, poems
            elif request.used_temperature > 0 and draft.tries < TRIES:
                waiting.append(replace(draft, tries=draft.tries + 1))
            else:
                dead_end = max(dead_ends[row] for row in rows)
                raise InputError(_failure(draft, layout, constraints, len(poems), dead_end))


def _stream(seed: int, draft: Draft) -> Tensor:
    """(S, 2) float32 in [0, 1): the random numbers of a poem; each attempt has other numbers."""
    tries = () if draft.tries == 1 else (draft.tries,)
    sequence = np.random.SeedSequence([seed, draft.number, *map(ord, draft.text)], spawn_key=tries)
    return torch.from_numpy(np.random.default_rng(sequence).random((len(draft.given), 2), dtype=np.float32))


def _failure(draft: Draft, layout: Layout, constraints: Sequence[Constraint], found: int, dead_end: int) -> str:
    """The message for a draft with too few poems, ``found``; the slot ``dead_end`` had no symbol left."""
    start = f"start={draft.start}" if draft.start else ""
    asked = " ".join(filter(None, [start, *map(str, constraints)])) or f"form={layout.form}"
    if found:
        return f"{asked}: beam search finds {found} poems and no more; ask for n={found}, or raise beam_size"
    line, place = layout.where(dead_end)
    tries = f" in {draft.tries} tries" if draft.tries > 1 else ""
    return f"{asked}: nothing is left for line {line}, character {place}{tries}; leave out a constraint"


def known_starts(vocabulary: Vocabulary, starts: Sequence[str]) -> list[str]:
    """The starts whose characters are all in the vocabulary, in one script or the other."""
    return [start for start in starts if all(character in vocabulary for character in in_vocabulary(start, vocabulary))]


def default_starts(vocabulary: Vocabulary) -> list[str]:
    """Those of :data:`STARTS` that the vocabulary has, or else its commonest characters."""
    commonest = (symbol for symbol in vocabulary.symbols[len(SPECIALS) :] if hanzi(symbol))
    return known_starts(vocabulary, STARTS) or list(islice(commonest, len(STARTS)))
