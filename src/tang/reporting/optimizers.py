"""Optimizers of a sweep compared, and, where an experiment asks, answers to what earlier reports claimed of them."""

import statistics
from typing import NamedTuple

from tang.reporting.configurations import Configuration, SweepResults
from tang.reporting.significance import LEVEL, interval, is_sample
from tang.runs.sweep import LOSS
from tang.sweeps.summary import spread_of_losses
from tang.tables import markdown

CLOSE = 0.02  # A learning rate is good if its val/loss exceeds the optimizer's best by this share at most
EARLY = 0.25  # The share of the training after which the early loss is taken

TABLE = f"Each optimizer in its best configuration; early: the first validation after {EARLY:.0%} of the training."
RATES = f" A rate is good if its best loss is within {CLOSE:.0%} of the optimizer's best."
ASKED = "compare_optimizers"  # The experiment that asks whether the claims hold
ANSWERS = f"""\
What this experiment asks of the reports A and D (docs/reports.md). Two optimizers are compared at their best, seed by
seed; the difference has its interval of {1 - LEVEL:.0%}, each question by itself."""

Losses = dict[str, float]  # Seed → val/loss


class Claim(NamedTuple):
    """An earlier report's claim that the optimizer ``lower`` has lower losses than ``higher``."""

    words: str
    lower: str
    higher: str
    is_early: bool  # Whether it is about the early loss, not the best

    def answer(self, lower: Losses, higher: Losses) -> str:
        """The answer from the losses of both: it can't be told if the interval of their difference has both signs."""
        word = "yes" if statistics.fmean(lower.values()) < statistics.fmean(higher.values()) else "no"
        pairs = [higher[seed] - lower[seed] for seed in lower.keys() & higher.keys()]
        if is_sample(pairs):
            low, high = interval(pairs)
            word = "can't be told" if low <= 0 <= high else word
            difference = f"the difference is {statistics.fmean(pairs):+.4f} ({low:+.4f} to {high:+.4f})"
        else:
            word, difference = f"{word}, by these runs", "there are no two seeds to tell by"
        place = f"At the first validation after {EARLY:.0%} of the training" if self.is_early else "At their best"
        one, other = (spread_of_losses(list(losses.values())) for losses in (lower, higher))
        return f"**{self.words}: {word}.** {place} {self.lower} {one}, {self.higher} {other}; {difference}."


CLAIMS = (
    Claim("A, “Adagrad beats Adam”", "adagrad", "adam", is_early=False),
    Claim("D, “momentum is fast, Adam slower”", "momentum", "adam", is_early=True),
)
STABLE = "D, “momentum is sensitive to its rate, Adam stable”"


def section(sweep: SweepResults) -> list[str]:
    """The report's section on optimizers, if several were tried, with answers if it is the experiment that asks."""
    if "optimizer" not in sweep.keys:
        return []
    optimizers = Optimizers(sweep)
    runs = [run for configuration in sweep.configurations for run in configuration.runs]
    is_asked = all(run.overrides.get("experiment") == ASKED for run in runs)
    return ["## Optimizers", *optimizers.table(), *(optimizers.answers() if is_asked else [])]


class Optimizers:
    """The optimizers of a sweep, each in its best configuration, and their learning rates if these form a grid."""

    def __init__(self, sweep: SweepResults) -> None:
        self.sweep, self.best, self.rate_key = sweep, sweep.best_by("optimizer"), sweep.rate_key

    def table(self) -> list[str]:
        """The optimizers, best first, and what their table shows."""
        return [markdown([self._row(name) for name in self.best]), TABLE + (RATES if self.rate_key else "")]

    def _row(self, optimizer: str) -> dict[str, str]:
        best = self.best[optimizer]
        others = [f"{key.rpartition('.')[2]}={value}" for key, value in best.shown.items() if key != "optimizer"]
        early = early_losses(self.sweep, best)
        row = {"optimizer": optimizer, "best at": ", ".join(others), LOSS: best.text()}
        row[f"early {LOSS}"] = spread_of_losses(list(early.values())) if early else "–"
        if self.rate_key:
            row["good rates"] = "{} of {}".format(*self._good_rates(optimizer))
        return row

    def _good_rates(self, optimizer: str) -> tuple[int, int]:
        """The number of good learning rates, and of all."""
        tried = [c for c in reversed(self.sweep.configurations) if c.values["optimizer"] == optimizer]
        best = {c.values[str(self.rate_key)]: c for c in tried}  # the last of each rate is its best
        limit = self.best[optimizer].loss * (1 + CLOSE)
        return sum(c.is_finite and c.loss <= limit for c in best.values()), len(best)

    def answers(self) -> list[str]:
        """Answers to the claims about optimizers that ran."""
        answers = []
        for claim in CLAIMS:
            both = [self.best[name] for name in (claim.lower, claim.higher) if name in self.best]
            losses = [early_losses(self.sweep, best) if claim.is_early else best.by_seed for best in both]
            if len(losses) == 2 and all(losses):
                answers.append(claim.answer(*losses))
        if self.rate_key and {"adam", "momentum"} <= set(self.best):
            answers.append(self._stability())
        return [ANSWERS, *answers] if answers else []

    def _stability(self) -> str:
        """Whether Adam's share of good rates is larger than momentum's; one more rate is hardly a difference."""
        (good, tried), (others_good, others_tried) = self._good_rates("adam"), self._good_rates("momentum")
        gap = good * others_tried - others_good * tried  # difference of the shares, times both numbers of rates
        word = "no" if gap else "no difference here"
        if gap > 0:
            word = "yes" if gap > max(tried, others_tried) else "barely: by one rate"
        numbers = f"{good} of {tried} rates are good for adam, {others_good} of {others_tried} for momentum"
        return f"**{STABLE}: {word}.** {numbers}."


def early_losses(sweep: SweepResults, configuration: Configuration) -> Losses:
    """``val/loss`` of each run at its first validation after :data:`EARLY` of the whole training.

    Empty if a run had no validation between that and the half.
    """
    end = sweep.training_steps(configuration)
    begin = 0.99 * EARLY * end  # the interval between validations is rounded down to whole batches
    early = [[loss for step, loss in curve if begin <= step <= end / 2] for curve in configuration.curves]
    is_whole = all(early) and len(early) == len(configuration.runs)
    return dict(zip(configuration.by_seed, (losses[0] for losses in early), strict=True)) if is_whole else {}
