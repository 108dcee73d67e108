"""A finished poem, and its formats: text, JSON, Markdown, HTML."""

import html
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from tang.prosody.critique import critique
from tang.text.forms import hanzi, split_lines
from tang.text.script import Script, convert, usual


@dataclass(frozen=True)
class Poem:
    """A poem that a model wrote."""

    start: str
    form: str
    lines: list[str]  # characters alone, without marks
    text: str  # with punctuation, a couplet a line
    log_likelihood: float  # ln p of all characters and of the marks that the model wrote, the start included
    title: str = ""  # the title that it follows
    pattern: str | None = None  # the pattern of its tones, if ``tones=`` was given
    rhyme: str | None = None  # the group of its rhymes, if ``rhyme=`` was given
    parallelism: float | None = None  # of a couplet, the mean cosine of its characters, see docs/verse.md
    missing: list[str] = field(default_factory=list)  # the words of ``contains=`` that found no place
    tries: int = 1  # attempts that it took; all but the last ended where the constraints left no symbol
    score: float | None = None  # see :meth:`scored`

    def in_script(self, script: Script) -> "Poem":
        """The same poem in another script."""
        couplets = convert(self.text.split("\n"), script)
        lines = [hanzi(line) for couplet in couplets for line in split_lines(couplet)]
        title, *missing = convert([self.title, *self.missing], script)
        return replace(self, title=title, lines=lines, text="\n".join(couplets), missing=missing)

    def with_usual_characters(self, keep: str) -> "Poem":
        """The same poem, in simplified script, without old variants; the characters of ``keep`` stay."""
        return replace(self, lines=[usual(line, keep) for line in self.lines], text=usual(self.text, keep))

    def scored(self, script: Script) -> "Poem":
        """The poem with its score: the mean ln p of its symbols less its faults per line.

        A fault is a tone that slips from the nearest pattern taken loosely, a line that should rhyme with most others
        and doesn't, a character that comes twice, a word that was asked for and is missing. One fault a line costs one
        nat a symbol.
        """
        found = critique(self.text, script)
        unrhymed = len(found.off_rhyme) if found.rhyme else len(found.rhyming) - 1
        slips = len(found.loose.slips) if found.loose else 0
        faults = slips + unrhymed + len(found.repeated) + len(self.missing)
        score = self.log_likelihood / len(self.text.replace("\n", "")) - faults / len(self.lines)
        return replace(self, score=score)

    @property
    def text_with_title(self) -> str:
        return f"《{self.title}》\n{self.text}" if self.title else self.text

    @property
    def caption(self) -> str:
        """The form, and pattern and rhyme if they were asked for."""
        return "，".join(filter(None, [self.form, self.pattern, self.rhyme and f"{self.rhyme}韵"]))


def as_text(poems: Sequence[Poem]) -> str:
    return "\n\n".join(poem.text_with_title for poem in poems)


def as_json(poems: Sequence[Poem]) -> str:
    return json.dumps([asdict(poem) for poem in poems], ensure_ascii=False, indent=1)


def as_markdown(poems: Sequence[Poem]) -> str:
    texts = ("> " + poem.text_with_title.replace("\n", "  \n> ") for poem in poems)
    return "\n\n".join(f"{text}\n>\n> *{poem.caption}*" for text, poem in zip(texts, poems, strict=True))


def as_html(poems: Sequence[Poem]) -> str:
    """A web page, the poems side by side as far as there is room; a narrow screen breaks couplets, but no lines."""
    texts = ["<br>".join(map(_row, poem.text_with_title.split("\n"))) for poem in poems]
    captioned = zip(texts, poems, strict=True)
    articles = [f"<article><p>{text}</p><footer>{poem.caption}</footer></article>" for text, poem in captioned]
    page = Path(__file__).with_name("poems.html").read_text(encoding="utf-8")
    title = html.escape(f"{poems[0].lines[0]}…" if poems else "诗")
    return page.rstrip().replace("TITLE", title).replace("POEMS", "\n".join(articles))


def _row(text: str) -> str:
    """A couplet, each line in a box of its own."""
    return "".join(f"<span>{html.escape(line)}</span>" for line in split_lines(text))


SUFFIXES = {".json": "json", ".md": "markdown", ".html": "html"}  # the formats of files; all others are text
FORMATS = {"text": as_text, "json": as_json, "markdown": as_markdown, "html": as_html}
