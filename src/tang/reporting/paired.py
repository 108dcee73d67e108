"""What each key of a sweep does: runs compared that differ in it alone, over all other keys and seeds."""

import math
import statistics
from collections import defaultdict
from dataclasses import dataclass

from tang.reporting.configurations import Configuration, SweepResults
from tang.reporting.significance import LEVEL, holm, interval, paired_p
from tang.tables import markdown

EXPLAINED = f"""\
Runs that differ in one key alone are compared pair by pair, whatever their other keys and seeds. The differences in
val/loss are to the key's best value, with an interval of {1 - LEVEL:.0%} by Student's t for pairs; one is certain if
the t test says so at the level of {LEVEL:.0%}, by Holm's correction for all differences here. Runs that diverged are
left out."""

AT_BEST = " Optimizers are compared each at the best of its learning rates."
ONE_SEED = " All runs have one seed: with another, the differences may be others; seed=1,2,3 tells."

UNKNOWN = """\
Nothing can be said: it takes two pairs of finished runs or more that differ in one key alone. Several
values of a key make them, with seed=1,2,3."""

Losses = dict[str, dict[tuple[str, ...], float]]  # Value of a key → values of the other keys, and the seed → val/loss


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
        losses = _losses(sweep, key)
        if len(losses) < 2:
            continue
        best, *values = sorted(losses, key=lambda value: _rank(losses, value))
        for value in values:
            common = sorted(losses[best].keys() & losses[value].keys())
            pairs = [losses[value][setting] - losses[best][setting] for setting in common]
            if len(pairs) > 1:
                found.append(Difference(key, value, best, pairs))
    return found


def _losses(sweep: SweepResults, key: str) -> Losses:
    """The finite losses at each value of ``key``, those of an optimizer at the best of its rates."""
    alike = [other for other in sweep.keys if other != key and (key, other) != ("optimizer", sweep.rate_key)]
    chosen: dict[tuple[str, ...], Configuration] = {}
    for configuration in sweep.configurations:  # the best comes first
        chosen.setdefault(tuple(configuration.values[name] for name in (key, *alike)), configuration)
    losses: Losses = defaultdict(dict)
    for (value, *others), configuration in chosen.items():
        finite = {seed: loss for seed, loss in configuration.by_seed.items() if math.isfinite(loss)}
        losses[value] |= {(*others, seed): loss for seed, loss in finite.items()}
    return {value: found for value, found in losses.items() if found}


def _rank(losses: Losses, value: str) -> float:
    """The mean loss of a value where all values have one, or over all that it has."""
    everywhere = set.intersection(*(set(of_value) for of_value in losses.values()))
    return statistics.fmean(losses[value][setting] for setting in everywhere or losses[value])


def section(sweep: SweepResults) -> list[str]:
    """The report's section on the differences, if any key varied."""
    title = "## What each key does"
    if not (found := differences(sweep)):
        return [title, UNKNOWN] if sweep.keys else []
    certain = holm([paired_p(difference.pairs) for difference in found])
    rows = [
        {
            "key": difference.key,
            "value": difference.value,
            "best": difference.best,
            "val/loss": f"{difference.mean:+.4f}",
            "interval": "{:+.4f} to {:+.4f}".format(*interval(difference.pairs)),
            "worse in": f"{difference.worse} of {len(difference.pairs)}",
            "certain": "yes" if is_certain else "no",
        }
        for difference, is_certain in zip(found, certain, strict=True)
    ]
    explained = EXPLAINED + AT_BEST * (sweep.rate_key is not None) + ONE_SEED * (sweep.seeds == 1)
    return [title, explained, markdown(rows)]
