"""The constraints on poems: for each a class with its keys and checks, and the tracker that enforces it.

PyTorch is imported where it is needed alone, since that takes seconds and ``sample.py --help`` needs the keys.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tang.config.keys import TONES, key, one_of
from tang.errors import InputError
from tang.generation.constraint import IMPOSSIBLE, Constraint, DraftBatch, Tracker, forbid, refuse_empty
from tang.text.characters import normalize
from tang.text.forms import PUNCTUATION, longer
from tang.text.script import MARKS

if TYPE_CHECKING:
    from torch import Tensor

    from tang.generation.slots import Layout

LEAST_BONUS, MOST_BONUS = 3.0, 12.0  # nats in favor of a missing word, in the first slot and in the last where it fits
ATTEMPTS = 3  # how often a word may be begun in a poem without its other characters following, before it is given up


@dataclass
class Acrostic(Constraint):
    """Puts one character into each of the first lines."""

    acrostic: list[str] | None = key(None, "characters that the lines begin with, 春夏秋冬; several: 张伟,李喆")
    acrostic_at: str = key("first", "first: lines begin with acrostic; last: they end with it", one_of("first", "last"))

    def __post_init__(self) -> None:
        if self.acrostic is not None:
            self.acrostic = [hanzi_or_other(text) for text in self.acrostic]

    def alternatives(self) -> list[Constraint]:
        return [replace(self, acrostic=[text]) for text in self.acrostic or []] or [self]

    @property
    def given(self) -> str:
        return "".join(self.acrostic or [])

    @property
    def lines(self) -> int:
        return max(map(len, self.acrostic or [""]))

    def check(self) -> None:
        refuse_empty("acrostic", self.acrostic)
        if self.acrostic_at == "last" and not self.acrostic:
            raise InputError("acrostic_at=last: says where the acrostic stands; give one, acrostic=春夏秋冬")

    def fixed(self, layout: Layout) -> dict[int, int]:
        (text,), form = self.acrostic or [""], layout.form
        if len(text) > form.lines:
            raise InputError(
                f"acrostic={text}: it has {len(text)} characters, but {form} has {form.lines} lines; "
                f"give form={longer(form, len(text))}"
            )
        places = [end - 1 for end in layout.ends] if self.acrostic_at == "last" else [0, *layout.ends[:-1]]
        slots = [layout.character_slots[place] for place in places]
        return {slot: layout.id_of(character, f"acrostic={text}") for slot, character in zip(slots, text, strict=False)}


def hanzi_or_other(text: str) -> str:
    """``text`` in plain characters without marks and spaces; what is no Chinese character is refused later."""
    plain = normalize(text).translate(MARKS)
    return "".join(symbol for symbol in plain if symbol not in PUNCTUATION and not symbol.isspace())


@dataclass
class NoRepeat(Constraint):
    """No character twice, unless doubled within a line; characters that are given may repeat."""

    no_repeat: bool = key(False, "true: no character twice, unless doubled, 青青")

    def tracker(self, batch: DraftBatch) -> RepetitionTracker:
        return RepetitionTracker(batch)


class RepetitionTracker(Tracker):
    """Forbids the characters that a poem has, or is given for later slots."""

    def unavailable(self) -> Tensor:
        return self.counts(self.line_of_slot >= 0) > 0

    def bias(self, slot: int) -> Tensor | None:
        if self.line_of_slot[slot] < 0:
            return None
        counts = self.counts(self.line_of_slot >= 0)
        used = counts > 0
        if slot and self.line_of_slot[slot] == self.line_of_slot[slot - 1]:  # the character before may be doubled, once
            before = self.known[:, slot - 1, None]
            used = used.scatter(1, before, counts.gather(1, before) > 1)
        return forbid(used)


@dataclass
class Regulated(Constraint):
    """Even lines rhyme in one 平 group, if ``rhyme`` is given; tones keep to a pattern, if ``tones`` is."""

    rhyme: str | None = key(None, "true: even lines rhyme in one 平 group of the 平水韵; or the group, 东 or 十一真")
    tones: str | None = key(None, "strict or loose: tones of a regulated pattern; true means strict", TONES)

    def __post_init__(self) -> None:
        """Read true and false, which may be typed for both, as ``rhyme="true"``, ``tones="strict"`` and None."""
        self.rhyme, self.tones = (value and value.lower() for value in (self.rhyme, self.tones))
        self.rhyme = None if self.rhyme == "false" else self.rhyme
        self.tones = {"true": "strict", "false": None}.get(self.tones or "", self.tones)

    def check(self) -> None:
        refuse_empty("rhyme", self.rhyme)

    def tracker(self, batch: DraftBatch) -> Tracker:
        from tang.generation.rhyme_and_tones import RhymeAndTones, rules

        return RhymeAndTones(batch, rules(batch.layout, batch.script, self.rhyme, self.tones))


@dataclass
class Contains(Constraint):
    """Favors some words; best effort."""

    contains: list[str] | None = key(None, "words that a poem should have, 月,酒; best effort")

    def __post_init__(self) -> None:
        self.contains = self.contains and [normalize(word) for word in self.contains]

    @property
    def given(self) -> str:
        return "".join(self.contains or [])

    @property
    def drawn(self) -> str:
        return self.given

    def check(self) -> None:
        refuse_empty("contains", self.contains)

    def tracker(self, batch: DraftBatch) -> WordTracker:
        layout, form, words = batch.layout, batch.layout.form, self.contains or []
        for word in words:
            if not 0 < len(word) <= max(form.lengths):
                raise InputError(f"contains={word}: give words of 1 to {max(form.lengths)} characters, contains=月,酒")
        if sum(map(len, words)) > sum(form.lengths):
            raise InputError(f"contains={','.join(words)}: more than {form} has room for")
        ids = {word: [layout.id_of(symbol, f"contains={word}") for symbol in word] for word in words}
        return WordTracker(batch, ids)


class WordTracker(Tracker):
    """Raises the score of a missing word's next character, the more the later it is; ``words`` are word → ids."""

    def __init__(self, batch: DraftBatch, words: dict[str, list[int]]) -> None:
        super().__init__(batch)
        self.words = {word: batch.given.new_tensor(ids) for word, ids in words.items()}
        self.guests = sorted({id for ids in words.values() for id in ids if id >= batch.known})

    def _is_missing(self, word: Tensor, known: Tensor) -> Tensor:
        """(B,) bool: whether the word stands in no line of the poems ``known`` (B, S)."""
        windows = known.unfold(1, len(word), 1)
        in_line = (self.line_of_slot.unfold(0, len(word), 1) == self.line_of_slot[: windows.shape[1], None]).all(-1)
        return ~((windows == word).all(-1) & in_line).any(1)

    def bias(self, slot: int) -> Tensor | None:
        line = self.line_of_slot[slot]
        if line < 0:
            return None
        share = slot / len(self.line_of_slot)
        bias = self.known.new_zeros(len(self.known), self.vocabulary_size).float()
        bias[:, self.guests] = IMPOSSIBLE  # but where a word goes on with it
        first, last = (self.line_of_slot == line).nonzero()[[0, -1], 0].tolist()
        for word in self.words.values():
            missing = self._is_missing(word, self.known)
            # If the word's first ``begun`` characters stand just before this slot, its next one belongs here.
            for begun in range(max(0, slot + len(word) - last - 1), min(len(word), slot - first + 1)):
                start = slot - begun
                before, after = self.known[:, start:slot], self.known[:, slot : start + len(word)]
                fits = (before == word[:begun]).all(1) & ((after < 0) | (after == word[begun:])).all(1)
                bonus = MOST_BONUS if begun else LEAST_BONUS + share * (MOST_BONUS - LEAST_BONUS)
                if not begun and len(word) > 1:
                    fits &= (self.known[:, :slot] == word[0]).sum(1) < ATTEMPTS
                column = bias[:, word[begun]]
                bias[:, word[begun]] = column.maximum(column.masked_fill(fits & missing, bonus))
        return bias

    def report(self, row: int) -> dict[str, Any]:
        known = self.known[row : row + 1]
        return {"missing": [word for word, ids in self.words.items() if self._is_missing(ids, known)]}


@dataclass
class Avoid(Constraint):
    """No poem has these words, but for given text."""

    avoid: list[str] | None = key(None, "words that no poem may have, 死,断肠,白头")

    def check(self) -> None:
        refuse_empty("avoid", self.avoid)

    def tracker(self, batch: DraftBatch) -> AvoidTracker:
        return AvoidTracker(batch, [normalize(word) for word in self.avoid or []])


class AvoidTracker(Tracker):
    """Forbids the symbol that would complete a word within a line, from either side."""

    def __init__(self, batch: DraftBatch, words: list[str]) -> None:
        from tang.generation.slots import in_vocabulary

        super().__init__(batch)
        vocabulary = batch.layout.vocabulary
        known = [in_vocabulary(word, vocabulary) for word in words]
        # A word with a character that the model doesn't know is never written.
        self.words = [
            batch.given.new_tensor(vocabulary.encode(word)) for word in known if all(c in vocabulary for c in word)
        ]

    def bias(self, slot: int) -> Tensor | None:
        line = self.line_of_slot[slot]
        if line < 0:
            return None
        forbidden = self.known.new_zeros(len(self.known), self.vocabulary_size).bool()
        first, last = (self.line_of_slot == line).nonzero()[[0, -1], 0].tolist()
        for word in self.words:
            size = len(word)
            for start in range(max(first, slot - size + 1), min(slot, last - size + 1) + 1):
                window = self.known[:, start : start + size] == word
                window[:, slot - start] = True
                forbidden[:, word[slot - start]] |= window.all(1)
        return forbid(forbidden)


@dataclass
class NoCopy(Constraint):
    """Forbids whole lines and five-character spans of the training split, without marks, but for given text."""

    needs_corpus = True
    no_copy: bool = key(False, "true: no line and no five characters in a row from the training split")

    def tracker(self, batch: DraftBatch) -> CopyTracker:
        return CopyTracker(batch)


class CopyTracker(Tracker):
    """Rejects a symbol that completes a line or a span of the training split."""

    def rejects(self, slot: int, symbols: Tensor, rows: Tensor | None = None) -> Tensor | None:
        if self.line_of_slot[slot] < 0:
            return None
        spans, layout = self.batch.spans, self.batch.layout
        assert spans, "constraints that need the corpus have them"
        place, size = layout.character_slots.index(slot), spans.size
        first, end = next((start, end) for start, end in pairwise([0, *layout.ends]) if place < end)
        known = (self.known if rows is None else self.known[rows])[:, layout.character_slots]
        known[:, place] = symbols
        rejected = symbols.new_zeros(len(symbols)).bool()
        if (
            end - first < size
        ):  # a line is shorter than a span: it is looked up once its last unknown character is drawn
            line = known[:, first:end]
            rejected |= (line >= 0).all(1) & rejected.new_tensor([spans.has_line(ids) for ids in line.tolist()])
        for start in range(max(0, place - size + 1), min(place, known.shape[1] - size) + 1):
            window = known[:, start : start + size]
            whole = (window >= 0).all(1)
            if whole.any():
                rejected[whole] |= rejected.new_tensor(spans.is_copied(window[whole].numpy()))
        return rejected


# Their fields are keys of ``sample.py``. A constraint's tracker is made after those of the classes before it.
CONSTRAINTS: list[type[Constraint]] = [Acrostic, NoRepeat, Regulated, Contains, Avoid, NoCopy]
