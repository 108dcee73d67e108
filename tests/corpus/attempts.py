import tracemalloc
from collections.abc import Callable
from typing import TypeVar

from tang.errors import MAX_MESSAGE, InputError

Result = TypeVar("Result")


def attempt(function: Callable[[], Result]) -> Result | None:
    """The result of ``function``, or None where it refuses in one short line that a terminal can show."""
    try:
        return function()
    except InputError as error:
        message = str(error)
        assert message.isprintable()
        assert len(message) <= MAX_MESSAGE
        return None


def peak_of(function: Callable[[int], object]) -> int:
    """Bytes that ``function`` takes at most, the less of two calls, of 0 and of 1.

    Once in a while Python doubles the table of its interned strings, some megabytes, whoever adds the next one.
    """
    peaks = []
    for number in range(2):
        tracemalloc.start()
        function(number)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return min(peaks)
