"""The poems of a request one by one, each as soon as it is written."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tang.evaluation.likelihood import likelihood
from tang.generation.drafts import default_starts
from tang.generation.generate import generate
from tang.generation.request import Request
from tang.page.verse import both_scripts, verse
from tang.prosody.critique import critique
from tang.tasks.poem_model import PoemModelBase


def write(model: PoemModelBase, request: Request) -> Iterator[dict[str, Any]]:
    """The seed and the number of poems, then the poems; an InputError if they can't be written.

    They are those that ``sample.py`` writes with the same keys. Where it would write ``n`` for each of its default
    starts there are ``n`` in all, one start after another.
    """
    request = request.with_seed()
    constraints = request.active_constraints()
    starts: list[str] | list[None] = request.start or [None]
    if request.start is None and request.title is None and not any(constraint.lines for constraint in constraints):
        starts = default_starts(model.vocabulary)
    for number in range(request.used_n):
        round, place = divmod(number, len(starts))
        start = starts[place]
        one = replace(request, n=1, start=None if start is None else [start])
        (poem,) = generate(model, one, constraints, written_before=round * request.candidates)
        if number == 0:
            yield {"seed": request.seed, "count": request.used_n}
        found = critique(poem.text, model.script)
        yield {
            "poem": {
                "title": both_scripts([poem.title])[0] if poem.title else None,
                "form": poem.form,
                "pattern": poem.pattern,
                "rhyme": poem.rhyme,
                "missing": poem.missing,
                "lines": verse(found, likelihood(model, found)),
            }
        }
