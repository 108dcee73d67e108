"""A poem as the page draws it: each line in both scripts, with its tones, its rhyme, its surprise and likely others."""

from collections.abc import Sequence
from itertools import islice
from math import log
from typing import Any, NamedTuple

from tang.evaluation.likelihood import with_likeliest
from tang.evaluation.poem_report import Likelihood
from tang.prosody.critique import Critique
from tang.prosody.meter import tone_pattern
from tang.prosody.rhymes import readings
from tang.tasks.poem_model import PoemModelBase
from tang.text.script import SCRIPTS, Script, convert

OTHERS = 3  # characters for each place that the model had in mind too


class Scored(NamedTuple):
    """A poem's likelihood, and the likeliest other characters at each place with their probabilities."""

    likelihood: Likelihood
    others: list[list[tuple[str, float]]]


def scored(model: PoemModelBase, found: Critique) -> Scored:
    """What a model makes of a poem, in one forward pass."""
    return Scored(*with_likeliest(model, found, OTHERS))


def verse(found: Critique, scored: Scored) -> list[dict[str, Any]]:
    """For each line its text in both scripts, its mark, and of each character the tone, the surprise, likely others.

    A tone is 平, 仄, 中 (it has readings of both), 入 (the 仄 that ended in p, t or k) or ？; a surprise is
    −log₂ p under the model; others have their shares of probability, of 100.
    """
    surprises = iter(bits(scored.likelihood.log_p))
    others = iter(_others(scored.others))
    rhyming = {*found.rhyming} - {*found.off_rhyme} if found.rhyme else set()
    wanted = found.loose.wanted if found.loose else [None] * len(found.lines)
    texts = both_scripts([line.text for line in found.lines])
    return [
        {
            **text,
            "mark": line.mark,
            "tones": tones(line.text, found.script),
            "wanted": tone,
            "surprise": list(islice(surprises, len(line.text))),
            "others": list(islice(others, len(line.text))),
            "rhymes": number in rhyming,
        }
        for number, (line, text, tone) in enumerate(zip(found.lines, texts, wanted, strict=True), 1)
    ]


def bits(log_p: Sequence[float]) -> list[float]:
    """−log₂ p of each of some ln p, to one place."""
    return [round(-one / log(2), 1) + 0.0 for one in log_p]


def _others(likeliest: Sequence[Sequence[tuple[str, float]]]) -> list[dict[str, Any]]:
    symbols = both_scripts([symbol for of_place in likeliest for symbol, _ in of_place])
    shares = iter([round(100 * p, 1) for of_place in likeliest for _, p in of_place])
    each = iter(symbols)
    return [
        {
            **{script: "".join(symbol[script] for symbol in group) for script in SCRIPTS},
            "shares": list(islice(shares, len(group))),
        }
        for group in (list(islice(each, len(of_place))) for of_place in likeliest)
    ]


def tones(line: str, script: Script) -> str:
    """The tone of each character of a line, as :func:`verse` gives it."""
    of_line = zip(line, tone_pattern(line, script), strict=True)
    return "".join("入" if tone == "仄" and _is_entering(character, script) else tone for character, tone in of_line)


def _is_entering(character: str, script: Script) -> bool:
    return all(group.level == "入" for group in readings(character, script))


def both_scripts(texts: Sequence[str]) -> list[dict[str, str]]:
    """Each text as script → text."""
    converted: dict[str, list[str]] = {script: convert(list(texts), script) for script in SCRIPTS}
    return [{script: lines[index] for script, lines in converted.items()} for index in range(len(texts))]
