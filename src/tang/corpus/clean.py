"""Clean poems as printed, with their editors' notes, to verse alone.

Notes go, nested ones too (one that is never closed reaches to the end); a poem with a gap in print is dropped; marks
become ， 。 ？ ！ ； 、; short poems and duplicates are dropped: docs/corpus.md has the rules in their order. Time and
memory are linear in the size of the corpus, whatever its content.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from tang.text.forms import HANZI, PUNCTUATION, hanzi
from tang.text.script import MARKS, Script, convert

MIN_CHARACTERS = 5
MAX_CHARACTERS = 10_000  # As printed; longer poems are dropped unread (the longest of the 全唐诗 has 2,980)

_BRACKET = re.compile("([（(〖）)〗])")
_NOTE_NUMBER = re.compile(r"[\[［][一二三四五六七八九十百○〇\d]+[\]］]")
_GAP = re.compile(r"[□■▢●○◎{}｛｝\u2ff0-\u2fff\ue000-\uf8ff\U000f0000-\U0010ffff\ufffd]")
_DIRT = re.compile(f"[^{HANZI}{PUNCTUATION}]")
_RUN_OF_MARKS = re.compile(f"[{PUNCTUATION}]{{2,}}")
_STRENGTH = "、，；。！？"  # ascending


class CleanPoem(NamedTuple):
    """A poem of Chinese characters and ， 。 ？ ！ ； 、 alone."""

    text: str  # In the script of the source
    simplified: str  # In simplified script, of equal length

    @property
    def key(self) -> str:
        """The characters in simplified script without marks: equal for duplicates, whatever the options."""
        return hanzi(self.simplified)


def clean(raw: str) -> tuple[str, str | None]:
    """The verse in ``raw`` and None, or "" and the reason why the poem is dropped."""
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
    rounds: list[int] = []  # indices in kept of the open （
    lenses: list[int] = []  # and of the open 〖
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


def clean_all(raws: Iterable[str]) -> tuple[list[CleanPoem], Counter[str]]:
    """The distinct clean poems of a corpus, and the number of dropped ones for each reason."""
    dropped: Counter[str] = Counter()
    texts = []
    for text, reason in map(clean, raws):
        if reason:
            dropped[reason] += 1
        else:
            texts.append(text)
    unique: dict[str, CleanPoem] = {}
    for poem in map(CleanPoem, texts, convert(texts, "simplified")):
        if unique.setdefault(poem.key, poem) is not poem:
            dropped["duplicate"] += 1
    return list(unique.values()), dropped


def in_script(poems: list[CleanPoem], script: Script) -> list[str]:
    """The texts of ``poems`` in ``script``.

    A traditional corpus stays as printed: converting 后 or 云 again would corrupt it. A corpus counts as
    simplified when conversion to simplified script leaves 99 % of its characters unchanged.
    """
    if script == "simplified":
        return [poem.simplified for poem in poems]
    texts = [poem.text for poem in poems]
    changed = sum(a != b for poem in poems for a, b in zip(poem.text, poem.simplified, strict=True))
    return convert(texts, "traditional") if changed <= sum(map(len, texts)) / 100 else texts
