"""What each key of a sweep does: runs compared that differ in it alone, over all other keys and seeds."""

import math
import statistics
from collections import defaultdict
from dataclasses import dataclass

from tang.reporting.configurations import SweepResults
from tang.reporting.significance import LEVEL, certain, interval
from tang.sweeps.summary import SEED
from tang.tables import markdown

EXPLAINED = f"""\
Runs that differ in one key alone are compared pair by pair, whatever their other keys and seeds. The differences in
val/loss are to the key's best value, with an interval of {1 - LEVEL:.0%} by Student's t for pairs; one is certain if
the t test says so at the level of {LEVEL:.0%}, by Holm's correction for all differences here. Runs that diverged are
left out."""

ONE_SEED = " All runs have one seed: with another, the differences may be others; seed=1,2,3 tells."

UNKNOWN = """\
Nothing can be said: it takes two pairs of finished runs or more that differ in one key alone. Several
values of a key make them, with seed=1,2,3."""


@dataclass(frozen=True)
class Difference:
    """The losses of a value of a key less those of the key's best value, in two pairs or more of runs alike."""

    key: str
    value: str
    best: str
    pairs: list[float]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.pairs)

    @property
    def worse(self) -> int:
        """Pairs in which the value is worse than the best."""
        return sum(difference > 0 for difference in self.pairs)


def differences(sweep: SweepResults) -> list[Difference]:
    """For each key, each value but the best, in two pairs at least, the best first."""
    found = []
    for key in sweep.keys:
        losses: dict[str, dict[tuple[str, ...], float]] = defaultdict(dict)  # value → the other keys and seed → loss
        for configuration in sweep.configurations:
            for run in configuration.runs:
                if run.loss is not None and math.isfinite(run.loss):
                    alike = [configuration.values[other] for other in sweep.keys if other != key]
                    alike.append(run.overrides.get(SEED, ""))
                    losses[configuration.values[key]][tuple(alike)] = run.loss
        if len(losses) < 2:
            continue
        best, *values = sorted(losses, key=lambda value: _rank(losses, value))
        for value in values:
            common = losses[best].keys() & losses[value].keys()
            pairs = [losses[value][others] - losses[best][others] for others in sorted(common)]
            if len(pairs) > 1:
                found.append(Difference(key, value, best, pairs))
    return found


def _rank(losses: dict[str, dict[tuple[str, ...], float]], value: str) -> float:
    """The mean loss of a value where all values have one, or over all that it has."""
    everywhere = set.intersection(*(set(of_value) for of_value in losses.values()))
    return statistics.fmean(losses[value][others] for others in everywhere or losses[value])


def section(sweep: SweepResults) -> list[str]:
    """The report's section on the differences, if any key varied."""
    title = "## What each key does"
    if not (found := differences(sweep)):
        return [title, UNKNOWN] if sweep.keys else []
    is_certain = certain(dict(enumerate(difference.pairs for difference in found)))
    rows = [
        {
            "key": difference.key,
            "value": difference.value,
            "best": difference.best,
            "val/loss": f"{difference.mean:+.4f}",
            "interval": "{:+.4f} to {:+.4f}".format(*interval(difference.pairs)),
            "worse in": f"{difference.worse} of {len(difference.pairs)}",
            "certain": "yes" if is_certain[number] else "no",
        }
        for number, difference in enumerate(found)
    ]
    return [title, EXPLAINED + ONE_SEED * (sweep.seeds == 1), markdown(rows)]
