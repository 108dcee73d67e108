"""The constraints on poems: for each a class with its keys and checks, and the tracker that enforces it.

PyTorch is imported where it is needed alone, since that takes seconds and ``sample.py --help`` needs the keys.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from tang.config.keys import TONES, key, one_of
from tang.errors import InputError
from tang.generation.constraint import Constraint, DraftBatch, Tracker, forbid, refuse_empty
from tang.generation.words import Avoid, Contains
from tang.text.characters import normalize
from tang.text.forms import PUNCTUATION, longer
from tang.text.script import MARKS

if TYPE_CHECKING:
    from torch import Tensor

    from tang.generation.slots import Layout


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
    def texts(self) -> list[str]:
        return self.acrostic or []

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


@dataclass
class Parallel(Constraint):
    """The second line of a couplet is parallel to the first, which is given; asked for by ``couplet=``."""

    def tracker(self, batch: DraftBatch) -> Tracker:
        from tang.generation.parallel import ParallelTracker

        return ParallelTracker(batch)


# Their fields are keys of ``sample.py``. A constraint's tracker is made after those of the classes before it.
CONSTRAINTS: list[type[Constraint]] = [Acrostic, NoRepeat, Regulated, Contains, Avoid, NoCopy]
