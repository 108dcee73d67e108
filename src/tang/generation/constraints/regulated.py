"""Rhyme and tones of regulated verse."""

from __future__ import annotations

from dataclasses import dataclass

from tang.config.rules import TONES, key
from tang.generation.constraints.base import Batch, Constraint, Tracker, refuse_empty


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

    def tracker(self, batch: Batch) -> Tracker:
        from tang.generation.hypotheses import Hypotheses
        from tang.generation.prosody_rules import rules

        return Hypotheses(batch, rules(batch.layout, batch.script, self.rhyme, self.tones))
