"""From starts to finished poems."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch

from tang.corpus.clean import MARKS
from tang.corpus.forms import DEFAULT_FORM, FORMS, Form
from tang.data.vocabulary import Vocabulary
from tang.errors import InputError
from tang.tasks.network import Network
from tang.verse.decoding import Settings, decode
from tang.verse.layout import Layout, form_for


@dataclass(frozen=True)
class Poem:
    """A poem that a model wrote."""

    start: str
    form: str
    lines: list[str]
    """Characters alone."""
    text: str
    """With punctuation, a couplet a line."""
    log_likelihood: float
    """ln p of all characters and of the marks that the model wrote, the start included."""


def write(
    network: Network,
    vocabulary: Vocabulary,
    starts: Sequence[str],
    form: Form | None = None,
    default_form: Form = FORMS[DEFAULT_FORM],
    n: int = 1,
    settings: Settings = Settings(),
    seed: int = 1,
) -> list[Poem]:
    """``n`` poems for each of ``starts``.

    Args:
        network: puts itself in evaluation mode here, and back afterwards.
        vocabulary: the network's.
        starts: what the poems begin with, from one character to the whole poem.
        form: of all poems; None: of the start, when it is a whole line of five or seven, else ``default_form``.
        default_form: see ``form``.
        n: how many for each start.
        settings: how symbols are drawn.
        seed: of the random numbers.

    Raises:
        InputError: a start doesn't fit the form, or has a character outside the vocabulary.
    """
    if not starts:
        raise InputError("start: give something to begin with, start=日")
    cleaned = ["".join(start.split()).translate(MARKS) for start in starts]
    layouts = [Layout(form or form_for(start, default_form), vocabulary) for start in cleaned]
    placed = [layout.place(start) for layout, start in zip(layouts, cleaned, strict=True)]
    poems: dict[int, list[Poem]] = {}
    was_training = network.training
    network.eval()
    for layout in dict.fromkeys(layouts):
        members = [index for index, other in enumerate(layouts) if other == layout]
        rows = [[-1 if id is None else id for id in placed[index]] for index in members for _ in range(n)]
        decoded = decode(network, layout.mask(), torch.tensor(rows), settings, seed)
        for row, (ids, log_likelihood) in enumerate(zip(*(part.tolist() for part in decoded), strict=True)):
            lines = layout.lines(ids)
            couplets = ["".join(map("".join, lines[i : i + 2])) for i in range(0, len(lines), 2)]
            index = members[row // n]
            poem = Poem(
                starts[index], str(layout.form), [line for line, _ in lines], "\n".join(couplets), log_likelihood
            )
            poems.setdefault(index, []).append(poem)
    network.train(was_training)
    return [poem for index in range(len(starts)) for poem in poems[index]]


def known_starts(vocabulary: Vocabulary, starts: Sequence[str]) -> list[str]:
    """Those of ``starts`` whose characters are all in the vocabulary."""
    return [start for start in starts if all(character in vocabulary for character in start)]


def as_text(poems: Sequence[Poem]) -> str:
    """Poems with a blank line between them."""
    return "\n\n".join(poem.text for poem in poems)


def as_json(poems: Sequence[Poem]) -> str:
    """A JSON list of objects with the fields of :class:`Poem`."""
    return json.dumps([asdict(poem) for poem in poems], ensure_ascii=False, indent=1)
