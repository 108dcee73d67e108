from collections.abc import Callable
from typing import TypeVar

from tang.errors import MAX_MESSAGE, InputError

Result = TypeVar("Result")


def attempt(function: Callable[[], Result]) -> Result | None:
    """What ``function`` gives, or None where it refuses in one short line that a terminal can show."""
    try:
        return function()
    except InputError as error:
        message = str(error)
        assert message.isprintable()
        assert len(message) <= MAX_MESSAGE
        return None
