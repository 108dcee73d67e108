"""From a poem as printed, with its editors' notes, to verse alone.

The rules, in their order:

1. Notes are removed: （…）, (…) and 〖…〗 with what stands in them, nested ones too; a note that
   is never closed reaches to the end of the poem. So are note numbers in brackets, ``[一○]``.
2. A character that print could not show makes a gap in its line, and the poem is dropped:
   □ ● ○ ▢, a composition in braces (``{艹/尔}``) or after ⿰, a private-use character.
3. Marks become ， 。 ？ ！ ； 、 (a colon ends a line as a comma does); of several in a row the
   strongest stays. All else that isn't a Chinese character is removed: quotation and title
   marks, brackets around restored characters, digits, letters, spaces.
4. A poem of fewer than five characters is dropped, and so is one with the same characters
   (after conversion to simplified script) as a poem before it.

A poem of more than 10,000 characters as printed is dropped unread (the longest of the 全唐诗 has
2,980). Time and memory grow as a corpus does and no faster, whatever stands in it.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from tang.text.forms import HANZI, PUNCTUATION, hanzi
from tang.text.script import MARKS, Script, convert

MIN_CHARACTERS = 5
MAX_CHARACTERS = 10_000

_BRACKET = re.compile("([（(〖）)〗])")
_NOTE_NUMBER = re.compile(r"[\[［][一二三四五六七八九十百○〇\d]+[\]］]")
_GAP = re.compile(r"[□■▢●○◎{}｛｝\u2ff0-\u2fff\ue000-\uf8ff\U000f0000-\U0010ffff\ufffd]")
_DIRT = re.compile(f"[^{HANZI}{PUNCTUATION}]")
_RUN_OF_MARKS = re.compile(f"[{PUNCTUATION}]{{2,}}")
_STRENGTH = "、，；。！？"


class Poem(NamedTuple):
    """A clean poem."""

    text: str
    """Characters and ， 。 ？ ！ ； 、 in the script of the source."""
    simplified: str
    """The same text, as long, in simplified script."""

    @property
    def key(self) -> str:
        """What identifies the poem whatever the options: its characters, simplified."""
        return hanzi(self.simplified)


def clean(raw: str) -> tuple[str, str | None]:
    """The verse in ``raw``, and why the poem must be dropped (None: it is fine)."""
    if len(raw) > MAX_CHARACTERS:
        return "", f"more than {MAX_CHARACTERS:,} characters"
    text = _NOTE_NUMBER.sub("", _without_notes(raw))
    if _GAP.search(text):
        return "", "missing characters"
    text = _DIRT.sub("", text.translate(MARKS))
    text = _RUN_OF_MARKS.sub(lambda run: max(run[0], key=_STRENGTH.index), text).lstrip(PUNCTUATION)
    if len(hanzi(text)) < MIN_CHARACTERS:
        return "", f"fewer than {MIN_CHARACTERS} characters"
    return text, None


def _without_notes(raw: str) -> str:
    """``raw`` without its notes, in one pass however deep they are nested; ( and （ are the same bracket."""
    kept: list[str] = []
    rounds: list[int] = []  # where in kept each bracket stands that is open
    lenses: list[int] = []
    for piece in _BRACKET.split(raw):
        opened, others = (lenses, rounds) if piece in ("〖", "〗") else (rounds, lenses)
        if piece in ("（", "(", "〖"):
            opened.append(len(kept))
        elif piece in ("）", ")", "〗") and opened:
            del kept[opened.pop() :]
            while others and others[-1] >= len(kept):
                others.pop()
            continue
        kept.append(piece)
    return "".join(kept[: min(rounds[:1] + lenses[:1], default=None)])


def clean_all(raws: Iterable[str]) -> tuple[list[Poem], Counter[str]]:
    """The clean poems of a corpus, each once, and how many were dropped for which reason."""
    dropped: Counter[str] = Counter()
    texts = []
    for raw in raws:
        text, reason = clean(raw)
        if reason:
            dropped[reason] += 1
        else:
            texts.append(text)
    unique: dict[str, Poem] = {}
    for text, simplified in zip(texts, convert(texts, "simplified"), strict=True):
        poem = Poem(text, simplified)
        if unique.setdefault(poem.key, poem) is not poem:
            dropped["duplicate"] += 1
    return list(unique.values()), dropped


def in_script(poems: list[Poem], script: Script) -> list[str]:
    """The texts of ``poems`` in ``script``.

    A corpus that is traditional already is left as it stands: converting 后 or 云 again would do
    harm. It counts as simplified when conversion to simplified leaves 99 % of its characters alone.
    """
    if script == "simplified":
        return [poem.simplified for poem in poems]
    characters = sum(len(poem.text) for poem in poems)
    changed = sum(a != b for poem in poems for a, b in zip(poem.text, poem.simplified, strict=True))
    texts = [poem.text for poem in poems]
    return convert(texts, "traditional") if changed <= characters / 100 else texts
