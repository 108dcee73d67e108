"""A poem as the page draws it: each line in both scripts, with its tones, its rhyme and its surprise."""

from collections.abc import Sequence
from itertools import islice
from math import log
from typing import Any

from tang.evaluation.poem_report import Likelihood
from tang.prosody.critique import Critique
from tang.prosody.meter import tone_pattern
from tang.prosody.rhymes import readings
from tang.text.script import SCRIPTS, Script, convert


def verse(found: Critique, scored: Likelihood) -> list[dict[str, Any]]:
    """For each line its text in both scripts, its mark, and of each character the tone and the surprise.

    A tone is 平, 仄, 中 (it has readings of both), 入 (the 仄 that ended in p, t or k) or ？; a surprise is
    −log₂ p under the model.
    """
    surprises = iter([round(-log_p / log(2), 1) for log_p in scored.log_p])
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
            "rhymes": number in rhyming,
        }
        for number, (line, text, tone) in enumerate(zip(found.lines, texts, wanted, strict=True), 1)
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
