"""Drafts: the poems of a request before they are written, with what is given of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from tang.config.keys import STARTS
from tang.corpus.clean import MAX_TITLE, clean_title
from tang.data.vocabulary import SPECIALS, Vocabulary
from tang.errors import InputError
from tang.generation.constraint import Constraint
from tang.generation.request import Request
from tang.generation.slots import GAP, Layout, form_for, in_vocabulary
from tang.tasks.poem_model import PoemModelBase
from tang.text.characters import GAP as SIGNS_OF_GAPS
from tang.text.characters import normalize
from tang.text.forms import LINE_END, Form, hanzi, longer, shape_of
from tang.text.script import MARKS, convert

COUPLET_CHARS = (5, 7)  # a line of parallel couplets
_QUESTION_MARKS = re.compile(r"\?+|？{2,}")  # One ？ alone ends a line


@dataclass(frozen=True)
class Draft:
    """A poem to be written, or with beam search or gaps the best poems of one start."""

    start: str  # the start as it was given, or the poem with gaps
    text: str  # the start in the model's characters
    given: tuple[int, ...]  # (S,) the id that a slot must have, −1 where the model draws it
    index: int  # its place in the result
    number: int  # how many poems with this start come before it
    asked: str = "start"  # the key of the start
    tries: int = 1


def drafts_of(
    model: PoemModelBase, request: Request, constraints: Sequence[Constraint], written_before: int
) -> dict[Layout, list[Draft]]:
    """Layout → the drafts of the poems that have it."""
    form, n = request.asked_form, request.used_n * request.candidates
    asked, starts = request.beginnings
    texts = ["".join(starts or []), *(constraint.given for constraint in constraints)]
    vocabulary, undrawn = _with_guests(model, texts, "".join(constraint.drawn for constraint in constraints))
    if starts is None:
        is_free = request.title is not None or any(constraint.lines for constraint in constraints)
        starts = [""] if is_free else default_starts(model.vocabulary)
    if not starts:
        raise InputError("start: give something to begin with, start=日")
    texts = [in_vocabulary("".join(_plain(start, asked).split()).translate(MARKS), vocabulary) for start in starts]
    lines = max((constraint.lines for constraint in constraints), default=0)
    drafts: dict[Layout, list[Draft]] = {}
    for index, text in enumerate(texts):
        layout = Layout(form or longer(_form(text, asked, model.form), lines), vocabulary, undrawn)
        given, before = _given(layout, text, asked, constraints), written_before + n * texts[:index].count(text)
        if asked == "poem" and min(given) >= 0:
            raise InputError(f"poem={starts[index]}: has no gap; give □ for each character to be filled in")
        drafts.setdefault(layout, []).extend(
            Draft(starts[index], text, given, n * index + copy, before + copy, asked)
            for copy in range(1 if request.writes_best else n)
        )
    return drafts


def _plain(start: str, asked: str) -> str:
    """``start`` in plain characters, with :data:`GAP` where one of ``poem=`` is missing; of ``couplet=`` both lines."""
    plain = normalize(start)
    if asked == "start":
        return plain
    if asked == "couplet":
        line = plain.translate(MARKS).strip().rstrip(LINE_END)
        if hanzi(line) != line or len(line) not in COUPLET_CHARS:
            raise InputError(f"couplet={start}: give one line of 5 or 7 characters, couplet=海内存知己")
        return f"{line}，{GAP * len(line)}。"
    plain = _QUESTION_MARKS.sub(lambda run: GAP * len(run[0]), plain)
    return SIGNS_OF_GAPS.sub(GAP, plain)


def _form(text: str, asked: str, default: Form) -> Form:
    """The form for a poem that begins with ``text``, or, with gaps, is it."""
    if asked == "start" or not set(text) & set(LINE_END):
        return form_for(text, default)
    return shape_of(text.replace(GAP, "一"))


def title_of(model: PoemModelBase, asked: str | None) -> str:
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


def _given(layout: Layout, start: str, asked: str, constraints: Sequence[Constraint]) -> tuple[int, ...]:
    """(S,) the id that each slot must have by ``start`` and the constraints, −1 where the model draws it."""
    by_start, symbols = layout.prompt_ids(start, asked), layout.vocabulary.symbols
    ids = list(by_start)
    for constraint in constraints:
        for slot, id in constraint.fixed(layout).items():
            if (other := ids[slot]) not in (-1, id):
                line, place = layout.where(slot)
                cause = "another constraint" if by_start[slot] < 0 else f"{asked}={start}"
                raise InputError(
                    f"{constraint}: {symbols[id]} should be character {place} of line {line}, but {cause} has "
                    f"{symbols[other]} there; leave one of the two out"
                )
            ids[slot] = id
    return tuple(ids)


def random_numbers(seed: int, draft: Draft) -> np.random.Generator:
    """The random numbers of a poem; each attempt has other numbers."""
    tries = () if draft.tries == 1 else (draft.tries,)
    sequence = np.random.SeedSequence([seed, draft.number, *map(ord, draft.text)], spawn_key=tries)
    return np.random.default_rng(sequence)


def stream(seed: int, draft: Draft) -> Tensor:
    """(S, 2) float32 in [0, 1): a poem's numbers for each slot."""
    return torch.from_numpy(random_numbers(seed, draft).random((len(draft.given), 2), dtype=np.float32))


def known_starts(vocabulary: Vocabulary, starts: Sequence[str]) -> list[str]:
    """The starts whose characters are all in the vocabulary, in one script or the other."""
    return [start for start in starts if all(character in vocabulary for character in in_vocabulary(start, vocabulary))]


def default_starts(vocabulary: Vocabulary) -> list[str]:
    """Those of :data:`STARTS` that the vocabulary has, or else its commonest characters."""
    commonest = (symbol for symbol in vocabulary.symbols[len(SPECIALS) :] if hanzi(symbol))
    return known_starts(vocabulary, STARTS) or list(islice(commonest, len(STARTS)))
