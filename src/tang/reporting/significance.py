"""Significance tests: which configurations are worse than the best by more than the noise between seeds."""

import math
import statistics
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import TypeVar

import numpy as np

from tang.reporting.configurations import Configuration, SweepResults

Key = TypeVar("Key")

LEVEL = 0.05  # Significance level of all tests

NOISE = f"""\
A configuration is worse than the best by more than the noise if Welch's t test between their seeds says so at the level
of {LEVEL:.0%}, by Holm's correction for all {{tests}} configurations that were tested.

Worse by more than the noise: {{worse}} of {{tests}}.
Median standard deviation over seeds: {{deviation:.4f}}.

Each value of a key in its best configuration; > is higher than the first by more than the noise, ≈ not certainly so,
? can't be said:

"""

UNKNOWN = """\
The noise isn't known: it takes two seeds or more of the best configuration and of others; sweep seed=1,2,3."""

SIGNS = {"": "", "yes": "> ", "not certain": "≈ ", "?": "? "}  # Verdict → its sign


def welch(first: Sequence[float], second: Sequence[float]) -> float:
    """The p value of two samples, of two values or more each, for equal means (Welch 1947)."""
    errors = [statistics.variance(sample) / len(sample) for sample in (first, second)]
    gap = abs(statistics.fmean(first) - statistics.fmean(second))
    if sum(errors) == 0:
        return float(gap == 0)
    freedom = sum(errors) ** 2 / sum(e**2 / (len(s) - 1) for e, s in zip(errors, (first, second), strict=True))
    return two_sided_p(gap / math.sqrt(sum(errors)), freedom)


def two_sided_p(t: float, freedom: float) -> float:
    """P(\\|T\\| > t) of Student's t distribution with ``freedom`` degrees of freedom.

    With t = √ν tan θ its density is proportional to cos^(ν−1) θ, for θ from −π/2 to π/2.
    """

    def area(low: float) -> float:
        angles = np.linspace(low, math.pi / 2, 10_001)
        return float(np.trapezoid(np.cos(angles) ** (freedom - 1), angles))

    return area(math.atan(t / math.sqrt(freedom))) / area(0.0)


def holm(p_values: Sequence[float]) -> list[bool]:
    """Which hypotheses to reject, so that P(any is rejected wrongly) ≤ LEVEL (Holm 1979)."""
    ranked = enumerate(sorted(p_values))  # equal ones are rejected together: the level rises from rank to rank
    rejected = [p for _, p in takewhile(lambda item: item[1] <= LEVEL / (len(p_values) - item[0]), ranked)]
    return [p in rejected for p in p_values]


def is_sample(losses: Sequence[float]) -> bool:
    """Whether ``losses`` have a spread: two or more, all finite."""
    return len(losses) > 1 and all(map(math.isfinite, losses))


def significant(pairs: Mapping[Key, tuple[Sequence[float], Sequence[float]]]) -> dict[Key, bool]:
    """Whether the means of each pair of losses differ by more than the noise; without pairs that can't be tested."""
    p_values = {key: welch(*pair) for key, pair in pairs.items() if all(map(is_sample, pair))}
    return dict(zip(p_values, holm(list(p_values.values())), strict=True))


class Significance:
    """The best configuration of a sweep compared with all others."""

    def __init__(self, sweep: SweepResults) -> None:
        self.sweep = sweep
        self.best, *others = sweep.configurations
        self.is_worse = significant({id(other): (self.best.losses, other.losses) for other in others})

    def verdict(self, configuration: Configuration) -> str:
        """Whether ``configuration`` is worse than the best by more than the noise; "" for the best."""
        if configuration is self.best:
            return ""
        if self.best.is_finite and all(map(math.isinf, configuration.losses)):
            return "yes"
        return {True: "yes", False: "not certain", None: "?"}[self.is_worse.get(id(configuration))]

    def text(self) -> str:
        """The rule, how many configurations it finds worse, and the values of each key, best first."""
        if not self.is_worse:
            return UNKNOWN
        samples = [c.losses for c in self.sweep.configurations if is_sample(c.losses)]
        deviation = statistics.median(map(statistics.stdev, samples))
        text = NOISE.format(tests=len(self.is_worse), worse=sum(self.is_worse.values()), deviation=deviation)
        lines = []
        for key in self.sweep.keys:
            best = [f"{SIGNS[self.verdict(c)]}{c.shown[key]} {c.text()}" for c in self.sweep.best_by(key).values()]
            lines += [f"- `{key}`: {', '.join(best)}"] if len(best) > 1 else []
        return text + "\n".join(lines)
