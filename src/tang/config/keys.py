"""Ranges of config values, and the field of a dataclass that is a config key."""

from collections.abc import Callable
from dataclasses import asdict, field
from typing import Any, NamedTuple

from tang.text.forms import FORMS, is_form


class Rule(NamedTuple):
    """The values that a key accepts: a test, and its description for messages and help."""

    holds: Callable[[Any], bool]
    description: str | Callable[[], str]

    @property
    def allowed(self) -> str:
        """The allowed values in words, for messages and help."""
        return self.description if isinstance(self.description, str) else self.description()


def at_least(least: int) -> Rule:
    return Rule(lambda value: value >= least, f"at least {least}")


def between(least: int, most: int) -> Rule:
    return Rule(lambda value: least <= value <= most, f"from {least} to {most}")


def one_of(*choices: str | Callable[[], list[str]]) -> Rule:
    """The value is one of the choices; a callable stands for several, looked up when the rule is applied."""

    def names() -> list[str]:
        return [name for choice in choices for name in ([choice] if isinstance(choice, str) else choice())]

    return Rule(lambda value: value in names(), lambda: f"one of {', '.join(names())}")


POSITIVE = Rule(lambda value: value > 0, "greater than 0")
NOT_NEGATIVE = Rule(lambda value: value >= 0, "0 or greater")
FRACTION = Rule(lambda value: 0 <= value < 1, "at least 0 and below 1")
SEED = Rule(lambda value: 0 <= value < 2**32, "from 0 to 4294967295")
TEMPERATURE = Rule(lambda value: value == 0 or 0.01 <= value <= 100, "0, or from 0.01 to 100")
BETAS = Rule(lambda values: len(values) == 2 and all(0 <= value < 1 for value in values), "two shares below 1")
NONZERO = Rule(lambda value: value != 0, "other than 0: a run is measured by its validation and test")
PROBABILITY = Rule(lambda value: 0 < value <= 1, "above 0 and at most 1")
TONES = Rule(lambda value: value.lower() in ("strict", "loose", "true", "false"), "strict or loose, true or false")
SAFETENSORS = Rule(lambda value: value.endswith(".safetensors"), "a name that ends in .safetensors")
_FORMS = f"{', '.join(FORMS)}, or characters × lines, 5×2, or the characters of each line, 3-5-7-7-5"
FORM_NAME = Rule(is_form, f"one of {_FORMS}")
FORM_NAMES = Rule(lambda names: len(names) > 0 and all(map(is_form, names)), f"null or some of {_FORMS}")

SHIPPED = "shipped"  # The name of the model that comes with the project
STARTS = "日红山夜湖海月"  # First characters of poems, unless others are given
SAMPLING_TEMPERATURE = 0.8  # Divides the logits, unless another is given


def as_typed(value: Any) -> str:
    """A value of the config as it is typed: ``true``, ``null``, ``[a,b]``."""
    if isinstance(value, list | tuple):
        return f"[{','.join(map(as_typed, value))}]"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return str(value)


def key(default: Any, help: str = "", rule: Rule | None = None) -> Any:
    """A key of the config: its default, a line of help, and the rule for its values; null is always accepted."""
    metadata = {"help": help, "rule": rule}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def values(group: Any) -> dict[str, Any]:
    """The keys of a config group with their values, without Hydra's own."""
    return {name: value for name, value in asdict(group).items() if not name.startswith("_")}
