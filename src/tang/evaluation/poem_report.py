"""Reports on poems, without torch: reading the poems, and the reports as text and JSON."""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from math import exp
from typing import NamedTuple

from tang.errors import InputError, expanded, printable
from tang.prosody import report as prosody_report
from tang.prosody.critique import Critique
from tang.text.characters import GAP_SIGN, normalize
from tang.text.layout import Layout, find_poems
from tang.text.reading import read_poems

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Likelihood:
    """Likelihood of a poem under a model."""

    per_character: float  # Mean ln p of its Chinese characters
    total: float  # ln p of all tokens: characters, marks that the model knows, and the end
    log_p: list[float]  # ln p of each Chinese character
    unknown: list[str]  # Characters outside the vocabulary, in the model's script; they count as <unk>


@dataclass(frozen=True)
class Copies:
    """Overlap of a poem with the training split."""

    lines: list[int]  # Numbers, from 1, of the lines that occur there
    longest: int  # Characters in the longest span that occurs in one training poem


@dataclass(frozen=True)
class PoemReport:
    """The critique of a poem, with its likelihood and its copies where a model and a corpus are given."""

    critique: Critique
    title: str = ""
    likelihood: Likelihood | None = None
    copies: Copies | None = None


class Given(NamedTuple):
    """A poem to report on."""

    source: str  # Where it comes from, for messages
    text: str
    title: str = ""


def given_poems(poem: str | None, file: str | None, layout: Layout | None = None) -> list[Given]:
    """The poem given, or the poems of a file.

    An InputError if neither or both are given, or the file can't be read or holds no poems.
    """
    if poem is not None and file is not None:
        raise InputError("poem= and file= exclude each other: give one")
    if poem is not None:
        text, title = normalize(poem), ""
        with suppress(InputError):  # a text whose lines can't be told apart is taken as it stands
            found, *_ = find_poems(text, "poem")
            text, title = found[0] if len(found) == 1 else (text, "")
        return [Given(f"poem={' '.join(poem.split())[:40]}", text, title)]
    if file is None:
        raise InputError("give poem=…, or file=… with poems")
    path = expanded("file", file)
    if not path.is_file():
        raise InputError(f"file={file}: {'this is a folder; give a file in it' if path.is_dir() else 'no such file'}")
    reading = read_poems([path], layout)
    log.info("%s: %s", printable(file), printable(reading))
    for kind, counts in reading.left_out.rows():
        log.info("  %s %s", kind, printable(counts))
    return [Given(f"file={file}, poem {number}", *found) for number, found in enumerate(reading.poems, 1)]


def as_json(reports: Sequence[PoemReport]) -> str:
    """A JSON list: of each poem its text, the fields of its critique, ``likelihood`` and ``copies`` if known."""
    rows = []
    for report in reports:
        more = {name: value for name, value in asdict(report).items() if value not in (None, "")}
        rows.append({"text": report.critique.verse, **more.pop("critique"), **more})
    return json.dumps(rows, ensure_ascii=False, indent=1)


def as_text(reports: Sequence[PoemReport]) -> str:
    """The reports for the terminal, two blank lines between them."""
    return "\n\n\n".join("\n".join(_rows(report)) for report in reports)


def _rows(report: PoemReport) -> Iterator[str]:
    if report.title:
        yield printable(report.title)
    yield prosody_report.as_text(report.critique)
    if (copies := report.copies) is not None:
        lines = f"lines {', '.join(map(str, copies.lines))}" if copies.lines else "no line"
        yield f"in the training split: {lines}; longest span {copies.longest} characters"
    if (likelihood := report.likelihood) is not None:
        mean = likelihood.per_character
        yield f"ln p: mean {mean:.2f} a character (perplexity {exp(-mean):.1f}), {likelihood.total:.1f} in all"
        if likelihood.unknown:
            yield f"unknown to the model: {''.join(likelihood.unknown)}"
        log_p = iter(likelihood.log_p)
        for number, line in enumerate(report.critique.lines, 1):
            of_line = zip(line.text, log_p, strict=False)
            shown = (f"{one}      ？" if one == GAP_SIGN else f"{one} {value:6.2f}" for one, value in of_line)
            yield f"{number:3}  {'  '.join(shown)}"
