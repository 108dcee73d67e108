"""The poems of a request one by one, each as soon as it is written."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from tang.generation.constraint import Constraint
from tang.generation.drafts import default_starts
from tang.generation.generate import generate
from tang.generation.poem import Poem
from tang.generation.request import Request
from tang.page.verse import both_scripts, scored, verse
from tang.prosody.critique import critique
from tang.tasks.poem_model import PoemModelBase


def write(model: PoemModelBase, request: Request) -> Iterator[dict[str, Any]]:
    """The seed and the number of poems, then the poems; an InputError if they can't be written.

    They are those that ``sample.py`` writes with the same keys, with two differences, so that the first is soon there.
    Where it would write ``n`` for each of its default starts there are ``n`` in all, one start after another. And
    where it shows the ``n`` likeliest of the particles that fill gaps, here each has particles of its own.
    """
    request = request.with_seed()
    for number, poem in enumerate(_poems(model, request, request.active_constraints())):
        if number == 0:
            yield {"seed": request.seed, "count": request.used_n}
        yield {"poem": card(model, poem)}


def _poems(model: PoemModelBase, request: Request, constraints: Sequence[Constraint]) -> Iterator[Poem]:
    if request.decode == "beam":
        yield from generate(model, request, constraints)
        return
    starts: list[str] | list[None] = request.start or [None]
    is_free = request.title is not None or any(constraint.lines for constraint in constraints)
    if request.beginnings[1] is None and not is_free:
        starts = default_starts(model.vocabulary)
    for number in range(request.used_n):
        round, place = divmod(number, len(starts))
        start = starts[place]
        one = replace(request, n=1, start=None if start is None else [start])
        yield from generate(model, one, constraints, written_before=round * request.candidates)


def card(model: PoemModelBase, poem: Poem) -> dict[str, Any]:
    """A poem as the page draws it."""
    found = critique(poem.text, model.script)
    return {
        "title": both_scripts([poem.title])[0] if poem.title else None,
        "script": model.script,
        "form": poem.form,
        "pattern": poem.pattern,
        "rhyme": poem.rhyme,
        "missing": poem.missing,
        "lines": verse(found, scored(model, found)),
    }
