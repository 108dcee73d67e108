"""Looking inside: pictures of what a model makes of a poem.

A picture is a function of a :class:`Subject` with an entry in :data:`PICTURES`; the page draws it by the module of the
same name in ``static/``.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from tang.config.scripts import CheckConfig
from tang.evaluation.likelihood import text_for
from tang.evaluation.poem_report import given_poems
from tang.page.corpus import Corpus
from tang.page.verse import Scored, bits, scored, verse
from tang.prosody.critique import Critique, critique
from tang.tasks.poem_model import PoemModelBase
from tang.text.forms import hanzi


class Subject(NamedTuple):
    """What pictures are made of."""

    model: PoemModelBase
    corpus: Corpus
    poem: Critique
    scored: Scored


def surprise(subject: Subject) -> dict[str, Any]:
    """The bits of each character under the model, and under the trigram model of its corpus if that is there."""
    model, corpus, poem = subject.model, subject.corpus, subject.poem
    of_model = bits(subject.scored.likelihood.log_p)
    means = f"A character takes {_mean(of_model):.1f} bits"
    if (counted := corpus.counted) is None:
        missing = (
            f"Beside it could stand a model that counts; the corpus isn't prepared on this computer. {corpus.advice}"
        )
        return {"about": f"{means} on average.", "missing": missing, "model": _by_line(poem, of_model), "trigram": None}
    text = text_for(model, poem)
    log_p = zip(text, counted.trigram_log_p(text), strict=False)
    of_trigram = bits([one for symbol, one in log_p if hanzi(symbol)])
    about = (
        f"{means} on average; the trigram model, which counts what followed the two characters before, takes "
        f"{_mean(of_trigram):.1f}. Where the first is lower, the model used more than these two."
    )
    return {
        "about": about,
        "missing": None,
        "model": _by_line(poem, of_model),
        "trigram": _by_line(poem, of_trigram),
    }


PICTURES: Mapping[str, Callable[[Subject], dict[str, Any]]] = {"surprise": surprise}


def look_inside(model: PoemModelBase, corpus: Corpus, config: CheckConfig) -> Iterator[dict[str, Any]]:
    """The poem of a request, then each picture of it; an InputError if it has no Chinese characters."""
    (given,) = given_poems(config.poem, None)
    found = critique(given.text, source=given.source)
    subject = Subject(model, corpus, found, scored(model, found))
    yield {"poem": {"title": given.title, "script": found.script, "lines": verse(found, subject.scored)}}
    for name, draw in PICTURES.items():
        yield {"picture": name, **draw(subject)}


def _by_line(poem: Critique, of_characters: list[float]) -> list[list[float]]:
    values = iter(of_characters)
    return [list(islice(values, len(line.text))) for line in poem.lines]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
