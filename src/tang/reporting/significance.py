"""Which settings are worse than the best by more than the noise between seeds."""

import math
import statistics
from collections.abc import Sequence

import numpy as np

from tang.reporting.configurations import Setting, Sweep

LEVEL = 0.05

RULE = f"""\
A setting is worse than the best by more than the noise if Welch's t test between their seeds says so at the level of
{LEVEL:.0%}, by Holm's correction for all {{tests}} settings that were tested."""

UNKNOWN = """\
How large the noise is isn't known: it takes two seeds or more of the best setting and of others; sweep seed=1,2,3."""

YES, NO, OPEN = "yes", "not certain", "?"


def welch(first: Sequence[float], second: Sequence[float]) -> float:
    """The probability of means so far apart, or farther, if both samples were drawn around the same (Welch 1947).

    Each sample has two values or more.
    """
    errors = [statistics.variance(sample) / len(sample) for sample in (first, second)]
    gap = abs(statistics.fmean(first) - statistics.fmean(second))
    if sum(errors) == 0:
        return float(gap == 0)
    freedom = sum(errors) ** 2 / sum(
        error**2 / (len(sample) - 1) for error, sample in zip(errors, (first, second), strict=True)
    )
    return beyond(gap / math.sqrt(sum(errors)), freedom)


def beyond(t: float, freedom: float) -> float:
    """P(|T| > t) of Student's t distribution.

    With t = √ν tan θ its density is proportional to cos^(ν−1) θ, for θ from −π/2 to π/2.
    """
    start = math.atan(t / math.sqrt(freedom))

    def area(low: float) -> float:
        angles = np.linspace(low, math.pi / 2, 10_001)
        return float(np.trapezoid(np.cos(angles) ** (freedom - 1), angles))

    return area(start) / area(0.0)


def holm(probabilities: Sequence[float]) -> list[bool]:
    """Which hypotheses fall, so that one or more fall wrongly with a probability of LEVEL at most (Holm 1979)."""
    fallen = [False] * len(probabilities)
    order = sorted(range(len(probabilities)), key=probabilities.__getitem__)
    for rank, index in enumerate(order):
        if probabilities[index] > LEVEL / (len(order) - rank):
            break
        fallen[index] = True
    return fallen


class Noise:
    """The best of a sweep's settings beside all others."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self.best, *others = sweep.settings
        tested = [other for other in others if is_sample(self.best.losses) and is_sample(other.losses)]
        fallen = holm([welch(self.best.losses, other.losses) for other in tested])
        self.is_worse = {id(other): is_worse for other, is_worse in zip(tested, fallen, strict=True)}

    def verdict(self, setting: Setting) -> str:
        """Whether it is worse than the best by more than the noise."""
        if setting is self.best:
            return ""
        if self.best.is_finite and all(map(math.isinf, setting.losses)):
            return YES
        is_worse = self.is_worse.get(id(setting))
        return OPEN if is_worse is None else YES if is_worse else NO

    def text(self) -> str:
        """In words: the rule, what it says of all settings, and of each key's values at their best."""
        if not self.is_worse:
            return UNKNOWN
        spread = statistics.median(statistics.stdev(s.losses) for s in self.sweep.settings if is_sample(s.losses))
        worse = sum(self.is_worse.values())
        lines = [
            RULE.format(tests=len(self.is_worse)),
            "",
            f"Worse by more than the noise: {worse} of {len(self.is_worse)}.",
            f"Median deviation over seeds: {spread:.4f}.",
        ]
        chains = [self.chain(key) for key in self.sweep.keys if len(self.sweep.best_by(key)) > 1]
        return "\n".join([*lines, "", CHAINS, "", *chains])

    def chain(self, key: str) -> str:
        """The values of ``key``, each at its best setting, from the best on."""
        signs = {"": "", YES: "> ", NO: "≈ ", OPEN: "? "}
        best = self.sweep.best_by(key).values()
        words = [f"{signs[self.verdict(setting)]}{setting.shown[key]} {setting.text()}" for setting in best]
        return f"- `{key}`: {', '.join(words)}"


def is_sample(losses: Sequence[float]) -> bool:
    """Whether something can be said of their spread."""
    return len(losses) > 1 and all(map(math.isfinite, losses))


CHAINS = """\
Each value of a key with the best that the other keys make of it; > is higher than the first by more than the noise,
≈ not certainly so, ? can't be said:"""
