"""The space of a search: Hydra's notation for several values as Optuna's distributions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep, Sweep
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    check_distribution_compatibility,
)

from tang.errors import InputError


@dataclass(frozen=True)
class Space:
    """What a search varies, and what all its runs are given."""

    distributions: dict[str, BaseDistribution]  # By key
    fixed: list[str]  # Overrides

    @classmethod
    def of(cls, params: Mapping[str, str | None], arguments: Sequence[str]) -> "Space":
        """The space of ``params``, key → values, and of the command line, whose keys stand in for those of the params.

        An InputError if values can't be searched.
        """
        texts = [f"{key}={value}" for key, value in params.items() if value is not None]
        parsed = OverridesParser.create().parse_overrides([*texts, *arguments])
        latest = {override.get_key_element(): override for override in parsed}
        swept = {key: override for key, override in latest.items() if override.is_sweep_override()}
        fixed = [str(override.input_line) for key, override in latest.items() if key not in swept]
        return cls({key: distribution(override) for key, override in swept.items()}, fixed)

    @property
    def choices(self) -> list[str]:
        """An override for each choice of a group, which may not exist."""
        return [
            f"{key}={choice}"
            for key, values in self.distributions.items()
            if "." not in key and isinstance(values, CategoricalDistribution)
            for choice in values.choices
        ]

    def check(self, earlier: Mapping[str, BaseDistribution]) -> None:
        """Refuse distributions that can't follow the ``earlier`` ones of a study; other bounds can."""
        for key in self.distributions.keys() & earlier.keys():
            try:
                check_distribution_compatibility(earlier[key], self.distributions[key])
            except ValueError:
                problem = "this search has been trying other choices; hydra.sweep.dir=FOLDER begins another"
                raise InputError(f"{key}: {problem}") from None


def distribution(override: Override) -> BaseDistribution:
    """The distribution of an override with several values: ``choice``, ``range``, ``interval``, ``tag(log, …)``."""
    try:
        return _distribution(override)
    except ValueError as error:  # Optuna's
        raise InputError(f"{override.input_line}: {error}") from error


def _distribution(override: Override) -> BaseDistribution:
    sweep = override.value()
    if isinstance(sweep, ChoiceSweep):
        return CategoricalDistribution(list(map(str, override.sweep_string_iterator())))
    is_log = isinstance(sweep, Sweep) and "log" in sweep.tags
    if isinstance(sweep, IntervalSweep) and sweep.start is not None and sweep.end is not None:
        if isinstance(sweep.start, int) and isinstance(sweep.end, int):
            return IntDistribution(sweep.start, sweep.end, log=is_log)
        return FloatDistribution(sweep.start, sweep.end, log=is_log)
    if isinstance(sweep, RangeSweep) and sweep.start is not None and sweep.stop is not None and not sweep.shuffle:
        if isinstance(sweep.start, int) and isinstance(sweep.stop, int) and isinstance(sweep.step, int):
            values = range(sweep.start, sweep.stop, sweep.step)
            return IntDistribution(sweep.start, max(values, default=sweep.stop), step=sweep.step)
        return CategoricalDistribution(list(map(str, override.sweep_string_iterator())))
    raise InputError(f"{override.input_line}: a search takes choice(…), range(…), interval(…) or tag(log,interval(…))")
