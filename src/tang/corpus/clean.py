"""Clean poems as printed, with their editors' notes, to verse alone.

Notes go, nested ones too (one that is never closed reaches to the end); a poem with a gap in print is dropped; marks
become ， 。 ？ ！ ； 、; short poems and duplicates are dropped. What goes is counted by kind: docs/corpus.md has the
rules in their order. Time and memory are linear in the size of the corpus, whatever its content.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import repeat
from typing import NamedTuple

from tang.text.characters import GAP, LETTER, scripts
from tang.text.forms import HANZI, PUNCTUATION, form_of, hanzi, split_lines
from tang.text.notes import without_notes
from tang.text.script import MARKS, Script, convert
from tang.text.tally import Tally, around

MIN_CHARACTERS = 5
MAX_CHARACTERS = 10_000  # As printed; longer poems are dropped unread (the longest of the 全唐诗 has 2,980)
MAX_TITLE = 12

_NOTE_NUMBER = re.compile(r"[\[［【][一二三四五六七八九十百○〇\d]+[\]］】]|[⁰¹²³⁴-⁹₀-₉①-⑳⑴-⒇]")
_DIGITS = re.compile(r"[0-9]+")
_DIRT = re.compile(f"[^{HANZI}{PUNCTUATION}]+")
_RUN_OF_MARKS = re.compile(f"[{PUNCTUATION}]{{2,}}")
_PLACE_IN_SERIES = re.compile("(?:[一二三四五六七八九十百]+首)?(?:其[一二三四五六七八九十百]+)?$")
_STRENGTH = "、，；。！？"  # ascending
_CATEGORIES = {"P": "brackets, quotation marks, dashes", "Z": "spaces", "C": "invisible characters"}


class CleanPoem(NamedTuple):
    """A poem of Chinese characters and ， 。 ？ ！ ； 、 alone."""

    text: str  # In the script of the source
    simplified: str  # In simplified script, of equal length
    title: str = ""  # In the script of the source, see clean_title

    @property
    def key(self) -> str:
        """The characters in simplified script without marks: equal for duplicates, whatever the options."""
        return hanzi(self.simplified)

    @property
    def lines(self) -> list[str]:
        """The characters of each line, in simplified script."""
        return [hanzi(line) for line in split_lines(self.simplified)]


class Cleaned(NamedTuple):
    """A poem's verse, or "" and why it is dropped."""

    text: str
    reason: str | None = None
    example: str = ""  # The place in the poem that gave the reason


def clean(raw: str, removed: Tally | None = None) -> Cleaned:
    """The verse in ``raw``; what is taken out of a poem that stays is added to ``removed``."""
    if len(raw) > MAX_CHARACTERS:
        return Cleaned("", f"more than {MAX_CHARACTERS:,} characters", raw)
    found = Tally()
    text, notes, unclosed = without_notes(raw)
    for note in notes:
        found.add("notes", note)
    if unclosed:
        found.add("notes that are never closed", unclosed[1:])
    for number in _NOTE_NUMBER.finditer(text):
        found.add("numbers of notes", around(text, number.start()))
    text = _NOTE_NUMBER.sub("", text)
    if lost := _lost(text):
        return lost
    text = text.translate(MARKS)
    for dirt in _DIRT.finditer(text):
        kind = _CATEGORIES.get(unicodedata.category(dirt[0][0])[0], "other symbols")
        found.add("numbers of notes" if _DIGITS.match(dirt[0]) else kind, around(text, dirt.start()))
    text = _DIRT.sub("", text)
    text = _RUN_OF_MARKS.sub(lambda run: max(run[0], key=_STRENGTH.index), text).lstrip(PUNCTUATION)
    if len(hanzi(text)) < MIN_CHARACTERS:
        return Cleaned("", f"fewer than {MIN_CHARACTERS} characters", raw)
    if short := _short_line(text):
        return Cleaned("", "a line one character short", short)
    if removed is not None:
        removed.update(found)
    return Cleaned(text)


def clean_title(raw: str) -> str:
    """The first :data:`MAX_TITLE` Chinese characters of a title, without notes and without its place in a series."""
    return _PLACE_IN_SERIES.sub("", hanzi(without_notes(raw)[0]))[:MAX_TITLE]


def _lost(text: str) -> Cleaned | None:
    """Why a text counts as one that lost characters, or isn't Chinese; None if it is whole.

    A letter of another script among Chinese characters stands for one that print couldn't show. So does a digit, unless
    the poem's lines are equally long without it: then it is the number of a note.
    """
    if gap := GAP.search(text):
        return Cleaned("", "missing characters", around(text, gap.start()))
    if (letter := LETTER.search(text)) is None:
        return None
    others = scripts(text)
    if others.total() > len(hanzi(text)):
        return Cleaned("", f"not in Chinese characters ({others.most_common(1)[0][0]})", text)
    without_digits = _DIGITS.sub("", text)
    if not LETTER.search(without_digits) and form_of(without_digits.translate(MARKS).strip()):
        return None
    return Cleaned("", "missing characters", around(text, letter.start()))


def _short_line(text: str) -> str | None:
    """The one line that has a character less than all others, five or seven; songs (兮, 君不见) vary their lines."""
    lines = split_lines(text)
    lengths = Counter(len(hanzi(line)) for line in lines)
    usual = max(lengths)
    is_short = lengths == {usual: len(lines) - 1, usual - 1: 1} and usual in (5, 7) and len(lines) > 3
    if not is_short or re.search("兮|君不[见見]", text):
        return None
    return next(line for line in lines if len(hanzi(line)) < usual)


class CleanCorpus(NamedTuple):
    """The distinct clean poems of a corpus, and what was left out."""

    poems: list[CleanPoem]
    dropped: Tally  # Poems, by the reason
    removed: Tally  # Parts of poems that stay, by kind

    def with_all_of(self, other: "CleanCorpus") -> "CleanCorpus":
        """Both corpora's poems and counts."""
        dropped, removed = Tally(), Tally()
        for corpus in (self, other):
            dropped.update(corpus.dropped)
            removed.update(corpus.removed)
        return CleanCorpus(self.poems + other.poems, dropped, removed)


def clean_all(raws: Iterable[str], titles: Iterable[str] = repeat("")) -> CleanCorpus:
    """Clean the poems of a corpus and their titles; of those with the same characters the first stays."""
    dropped, removed = Tally(), Tally()
    texts, clean_titles = [], []
    for raw, title in zip(raws, titles, strict=False):
        poem = clean(raw, removed)
        if poem.reason:
            dropped.add(poem.reason, poem.example)
        else:
            texts.append(poem.text)
            clean_titles.append(clean_title(title))
    unique: dict[str, CleanPoem] = {}
    for clean_poem in map(CleanPoem, texts, convert(texts, "simplified"), clean_titles):
        if unique.setdefault(clean_poem.key, clean_poem) is not clean_poem:
            dropped.add("duplicate", clean_poem.text)
    return CleanCorpus(list(unique.values()), dropped, removed)


def in_script(poems: list[CleanPoem], script: Script) -> list[str]:
    """The texts of ``poems`` in ``script``.

    A traditional corpus stays as printed: converting 后 or 云 again would corrupt it. A corpus counts as
    simplified when conversion to simplified script leaves 99 % of its characters unchanged.
    """
    if script == "simplified":
        return [poem.simplified for poem in poems]
    texts = [poem.text for poem in poems]
    return texts if _is_traditional(poems) else convert(texts, "traditional")


def titles_in_script(poems: list[CleanPoem], script: Script) -> list[str]:
    """The titles of ``poems`` in ``script``; traditional ones stay as printed, as in :func:`in_script`."""
    titles = [poem.title for poem in poems]
    return titles if script == "traditional" and _is_traditional(poems) else convert(titles, script)


def _is_traditional(poems: list[CleanPoem]) -> bool:
    changed = sum(a != b for poem in poems for a, b in zip(poem.text, poem.simplified, strict=True))
    return changed > sum(len(poem.text) for poem in poems) / 100
