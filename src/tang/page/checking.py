"""The report on a poem, then its lines in the corpus, then what a model suggests for each place to mend."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from math import exp
from typing import Any

from tang.config.scripts import CheckConfig
from tang.evaluation.likelihood import copies
from tang.evaluation.poem_report import Likelihood, given_poems
from tang.evaluation.suggestions import with_suggestions
from tang.page.corpus import Corpus
from tang.page.remarks import remarks
from tang.page.verse import scored, verse
from tang.prosody.critique import Critique, critique
from tang.tasks.poem_model import PoemModelBase

MAX_MENDED = 16  # places for which characters are suggested: half a second each


def check(model: PoemModelBase, corpus: Corpus, config: CheckConfig) -> Iterator[dict[str, Any]]:
    """The report on ``config.poem``, its lines in the corpus, then suggestions place by place.

    An InputError if it has no Chinese characters.
    """
    (given,) = given_poems(config.poem, None)
    found = critique(given.text, source=given.source)
    of_model = scored(model, found)
    yield {
        "report": {
            "title": given.title,
            "script": found.script,
            "pattern": found.loose.pattern if found.loose and not found.loose.slips else None,
            "rhyme": found.rhyme[0] if found.rhyme else None,
            "summary": list(_summary(found, of_model.likelihood)),
            "lines": verse(found, of_model),
            "remarks": remarks(found),
        }
    }
    yield {"copies": _copies(corpus, found)}
    for mend in found.to_mend[:MAX_MENDED] if config.suggestions else []:
        (mended,) = with_suggestions(model, replace(found, to_mend=[mend]), config.suggestions).to_mend
        yield {"suggestions": {"line": mend.line, "place": mend.place, "characters": "".join(mended.suggestions)}}


def _summary(found: Critique, scored: Likelihood) -> Iterator[tuple[str, str]]:
    """The rows of the report: a term and what is to say of it."""
    if found.form is None:
        usual = Counter(len(line.text) for line in found.lines).most_common(1)[0][0]
        lengths = ", ".join(f"line {number} has {len(found.lines[number - 1].text)}" for number in found.unequal)
        yield "Form", f"none: lines of {usual} characters, but {lengths}"
    elif found.loose is None or found.strict is None:
        yield "Form", f"{found.form}, which has no tone pattern of its own"
    else:
        yield "Form", f"{found.form}, {'regular' if found.is_regular else 'not regular'}"
        loose, strict = (_counted(len(meter.slips), "slip") for meter in (found.loose, found.strict))
        yield "Nearest pattern", f"{found.loose.pattern}: {loose} by the loose rules, {strict} by the strict ones"
    ends = ", ".join(f"{line.text[-1]} {'，'.join(line.groups) or '？'}" for line in _rhyming(found))
    yield "Rhyme", f"{'，'.join(found.rhyme) or 'no group that two lines share'} ({ends})" if ends else "none"
    if found.repeated:
        yield "Repeated", "，".join(found.repeated)
    if found.unknown:
        yield "Not in the rhyme book", "".join(found.unknown)
    mean = scored.per_character
    yield "Likelihood", f"perplexity {exp(-mean):.0f} a character, ln p −{-scored.total:.1f} in all"
    if scored.unknown:
        yield "Unknown to the model", "".join(scored.unknown)


def _copies(corpus: Corpus, found: Critique) -> str:
    """What of a poem stands in the corpus, in words; or how to have the corpus."""
    if (counted := corpus.counted) is None:
        return f"the corpus isn't prepared on this computer. {corpus.advice}"
    there = copies(found, counted.spans, counted.vocabulary, corpus.model.script)
    lines = ", ".join(f"{found.lines[number - 1].text} (line {number})" for number in there.lines)
    return f"{lines or 'no whole line'}; longest span in common: {_counted(there.longest, 'character')}"


def _rhyming(found: Critique) -> list[Any]:
    return [found.lines[number - 1] for number in found.rhyming]


def _counted(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"
