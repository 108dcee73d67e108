"""Student's t test for pairs, and Holm's correction for several tests."""

import math
import statistics
from collections.abc import Sequence
from itertools import takewhile

import numpy as np

LEVEL = 0.05  # Significance level of all tests


def is_sample(differences: Sequence[float]) -> bool:
    """Whether there are two differences or more, all finite."""
    return len(differences) > 1 and all(map(math.isfinite, differences))


def paired_p(differences: Sequence[float]) -> float:
    """The p value of two differences or more for a mean of zero."""
    mean, error = statistics.fmean(differences), standard_error(differences)
    return two_sided_p(abs(mean) / error, len(differences) - 1) if error else float(mean == 0)


def interval(differences: Sequence[float]) -> tuple[float, float]:
    """Bounds of the mean of two differences or more, with probability 1 − :data:`LEVEL`."""
    mean, reach = statistics.fmean(differences), standard_error(differences) * quantile(len(differences) - 1)
    return mean - reach, mean + reach


def standard_error(sample: Sequence[float]) -> float:
    """The standard deviation of the sample's mean."""
    return statistics.stdev(sample) / math.sqrt(len(sample))


def two_sided_p(t: float, freedom: float) -> float:
    """P(\\|T\\| > t) of Student's t distribution with ``freedom`` degrees of freedom.

    With t = √ν tan θ its density is proportional to cos^(ν−1) θ, for θ from −π/2 to π/2.
    """

    def area(low: float) -> float:
        angles = np.linspace(low, math.pi / 2, 10_001)
        return float(np.trapezoid(np.cos(angles) ** (freedom - 1), angles))

    return area(math.atan(t / math.sqrt(freedom))) / area(0.0)


def quantile(freedom: int) -> float:
    """The t that Student's distribution exceeds in size with probability :data:`LEVEL`, by bisection."""
    low, high = 0.0, 1e4
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided_p(middle, freedom) > LEVEL else (low, middle)
    return high


def holm(p_values: Sequence[float]) -> list[bool]:
    """Which hypotheses to reject, so that P(any is rejected wrongly) ≤ LEVEL (Holm 1979)."""
    ranked = enumerate(sorted(p_values))  # equal ones are rejected together: the level rises from rank to rank
    rejected = [p for _, p in takewhile(lambda item: item[1] <= LEVEL / (len(p_values) - item[0]), ranked)]
    return [p in rejected for p in p_values]
