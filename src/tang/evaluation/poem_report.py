"""Reports on poems: where the poems come from, and how what was found is shown."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import exp
from pathlib import Path

from tang.corpus.sources import read_text
from tang.errors import InputError
from tang.prosody import report
from tang.prosody.critique import Critique
from tang.text.forms import hanzi


@dataclass(frozen=True)
class Likelihood:
    """Of a poem under a model."""

    per_character: float
    """Mean ln p of its Chinese characters."""
    total: float
    """ln p of all that the model writes: characters, marks if it knows them, the end."""
    log_p: list[float]
    """ln p of each Chinese character."""
    unknown: list[str]
    """Characters outside the vocabulary, as the model's script writes them; they count as ``<unk>``."""


@dataclass(frozen=True)
class Copies:
    """What of a poem stands in the training part."""

    lines: list[int]
    """From 1."""
    longest: int
    """Characters of the longest span that stands in one poem there."""


@dataclass(frozen=True)
class Report:
    """All that was found about a poem."""

    critique: Critique
    likelihood: Likelihood | None = None
    """None if no model was asked."""
    copies: Copies | None = None
    """None if the corpus wasn't looked up."""


def read_poems(poem: str | None, file: str | None) -> dict[str, str]:
    """Where it stands → the poem given, or those of a text file with blank lines between them.

    Raises:
        InputError: neither is given or both are, or the file can't be read or is empty.
    """
    if poem is not None and file is not None:
        raise InputError("poem= and file= exclude each other: give one")
    if poem is not None:
        return {f"poem={' '.join(poem.split())[:40]}": poem}
    if file is None:
        raise InputError("give poem=…, or file=… with poems and blank lines between them")
    path = Path(file).expanduser()
    if not path.is_file():
        raise InputError(f"file={file}: {'this is a folder; give a file in it' if path.is_dir() else 'no such file'}")
    poems = [part for part in re.split(r"\n\s*\n", read_text(path)) if part.strip()]
    if not poems:
        raise InputError(f"file={file}: is empty; write poems into it, blank lines between them")
    return {f"file={file}, poem {number}": part for number, part in enumerate(poems, 1)}


def as_text(reports: Sequence[Report]) -> str:
    """For the terminal."""
    return "\n\n\n".join("\n".join([report.as_text(found.critique), *_more(found)]) for found in reports)


def as_json(reports: Sequence[Report]) -> str:
    """A JSON list: the poem's text, the fields of its critique, ``likelihood`` and ``copies``."""
    found = [{"text": each.critique.verse, **asdict(each.critique), **_asked(each)} for each in reports]
    return json.dumps(found, ensure_ascii=False, indent=1)


def _asked(found: Report) -> dict[str, object]:
    return {name: value for name, value in asdict(found).items() if name != "critique" and value is not None}


def _more(found: Report) -> list[str]:
    rows = []
    if (copies := found.copies) is not None:
        lines = f"lines {', '.join(map(str, copies.lines))}" if copies.lines else "no line"
        rows.append(f"in the training part: {lines}; longest span {copies.longest} characters")
    if (likelihood := found.likelihood) is not None:
        mean, perplexity = likelihood.per_character, exp(-likelihood.per_character)
        rows.append(
            f"ln p: {mean:.2f} a character in the mean (perplexity {perplexity:.1f}), {likelihood.total:.1f} in all"
        )
        if likelihood.unknown:
            rows.append(f"unknown to the model: {''.join(likelihood.unknown)}")
        log_p = iter(likelihood.log_p)
        for number, line in enumerate(found.critique.lines, 1):
            rows.append(f"{number:3}  {'  '.join(f'{character} {next(log_p):6.2f}' for character in hanzi(line.text))}")
    return rows
