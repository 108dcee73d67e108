"""Optimizers side by side, and what reports have claimed of them."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tang.reporting.configurations import Setting, Sweep
from tang.reporting.significance import LEVEL, holm, is_sample, welch
from tang.runs.sweep import LOSS
from tang.sweeps.summary import spread_of_losses
from tang.tables import markdown

CLOSE = 0.02
"""A rate is good if its ``val/loss`` is worse than the optimizer's best by this share at most."""

EARLY = 0.25
"""The share of the training after which the early loss is taken."""

RATES = ("optimizer.lr_scale", "optimizer.lr")


def early_losses(sweep: Sweep, setting: Setting) -> list[float]:
    """``val/loss`` of its runs at the first validation after a quarter of the whole training.

    Empty if a run had none from there to the half.
    """
    end = sweep.length(setting)
    start = 0.99 * EARLY * end  # what is between validations is rounded down to whole batches
    early = [[loss for step, loss in curve if start <= step <= end / 2][:1] for curve in setting.curves]
    losses = [loss for first in early for loss in first]
    return losses if len(losses) == len(setting.runs) else []


class Optimizers:
    """What a sweep over optimizers, and perhaps their rates, says of each."""

    def __init__(self, sweep: Sweep) -> None:
        self.best = sweep.best_by("optimizer")
        self.sweep = sweep
        self.rate = next((key for key in RATES if key in sweep.keys and self.is_grid(key)), None)

    def is_grid(self, key: str) -> bool:
        """Whether most optimizers ran with most values of ``key``; those of a search say nothing of the key alone."""
        pairs = {(setting.values["optimizer"], setting.values[key]) for setting in self.sweep.settings}
        return 2 * len(pairs) > len(self.best) * len(self.sweep.best_by(key))

    def by_rate(self, optimizer: str) -> dict[str, Setting]:
        """The best setting at each rate."""
        best: dict[str, Setting] = {}
        for setting in self.sweep.settings:
            if self.rate and setting.values["optimizer"] == optimizer:
                best.setdefault(setting.values[self.rate], setting)
        return best

    def good_rates(self, optimizer: str) -> tuple[int, int]:
        """How many rates are good, and of how many."""
        losses = [setting.loss for setting in self.by_rate(optimizer).values()]
        limit = self.best[optimizer].loss * (1 + CLOSE)
        return sum(loss <= limit for loss in losses if loss < float("inf")), len(losses)

    def text(self) -> str:
        """The table, and the answers that the sweep allows."""
        rows = [self.row(optimizer) for optimizer in self.best]
        notes = [
            f"Each optimizer at its best setting; early: at the first validation after {EARLY:.0%} of the training."
        ]
        if self.rate:
            notes.append(f"A rate is good if its best loss is within {CLOSE:.0%} of the optimizer's best.")
        return "\n\n".join([markdown(rows), " ".join(notes), *self.answers()])

    def row(self, optimizer: str) -> dict[str, str]:
        """Of the table."""
        best = self.best[optimizer]
        others = [f"{key.rpartition('.')[2]}={value}" for key, value in best.shown.items() if key != "optimizer"]
        row = {"optimizer": optimizer, "best at": ", ".join(others), LOSS: best.text()}
        losses = early_losses(self.sweep, best)
        row[f"early {LOSS}"] = spread_of_losses(losses) if losses else "–"
        if self.rate:
            row["good rates"] = "{} of {}".format(*self.good_rates(optimizer))
        return row

    def answers(self) -> list[str]:
        """To what the reports A and D claimed, in the words that the numbers allow."""
        claims = []
        if {"adam", "adagrad"} <= set(self.best):
            claims.append(self.lower("A, “Adagrad beats Adam”", "adagrad", "adam", is_early=False))
        if {"adam", "momentum"} <= set(self.best):
            claims.append(self.lower("D, “momentum is fast, Adam slower”", "momentum", "adam", is_early=True))
        claims = [claim for claim in claims if claim.first and claim.second]
        tests = [welch(c.first, c.second) if is_sample(c.first) and is_sample(c.second) else None for c in claims]
        fallen = iter(holm([test for test in tests if test is not None]))
        texts = [claim.text(None if test is None else next(fallen)) for claim, test in zip(claims, tests, strict=True)]
        if any(test is not None for test in tests):
            texts.insert(0, PLANNED)
        if self.rate and {"adam", "momentum"} <= set(self.best):
            texts.append(f"**D, “momentum is sensitive to its rate, Adam stable”: {self.steadier('adam', 'momentum')}")
        return texts

    def lower(self, words: str, one: str, other: str, is_early: bool) -> "Claim":
        """The claim that ``one`` comes lower than ``other``, each at its best, in the end or early on."""
        place = f"At the first validation after {EARLY:.0%} of the training" if is_early else "At their best"
        first, second = (self.best[name] for name in (one, other))
        losses = [early_losses(self.sweep, of) if is_early else of.losses for of in (first, second)]
        return Claim(words, place, one, other, *losses)

    def steadier(self, one: str, other: str) -> str:
        """Whether more rates are good for ``one`` than for ``other``; a single one more is hardly a difference."""
        (good, tried), (others_good, others_tried) = self.good_rates(one), self.good_rates(other)
        gap = good * others_tried - others_good * tried  # of the shares, as a whole number
        more = "barely: by one rate" if gap <= max(tried, others_tried) else "yes"
        word = more if gap > 0 else "no" if gap < 0 else "not to be seen here"
        return f"{word}.** {good} of {tried} rates are good for {one}, {others_good} of {others_tried} for {other}."


@dataclass(frozen=True)
class Claim:
    """That one optimizer has lower losses than another."""

    words: str
    place: str
    one: str
    other: str
    first: Sequence[float]
    """The losses of ``one``, and"""
    second: Sequence[float]
    """those of ``other``."""

    def text(self, is_beyond: bool | None) -> str:
        """The answer; ``is_beyond``: whether the difference is larger than the noise, None if that isn't known."""
        holds = "yes" if statistics.fmean(self.first) < statistics.fmean(self.second) else "no"
        word = {True: holds, False: "can't be told", None: f"{holds}, by these runs"}[is_beyond]
        numbers = f"{self.one} {spread_of_losses(self.first)}, {self.other} {spread_of_losses(self.second)}"
        return f"**{self.words}: {word}.** {self.place} {numbers}; {CERTAINTY[is_beyond]}."


CERTAINTY = {
    True: "the difference is larger than the noise",
    False: "the difference isn't larger than the noise",
    None: "how large the noise is isn't known",
}

PLANNED = f"""\
Claims that were made before the sweep: Welch's t test at the level of {LEVEL:.0%}, corrected for the claims alone."""


def section(sweep: Sweep) -> Sequence[str]:
    """On optimizers, if several were tried."""
    return ["## Optimizers", Optimizers(sweep).text()] if "optimizer" in sweep.keys else []
