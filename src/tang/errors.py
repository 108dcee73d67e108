"""Exceptions for mistakes that a user can correct, and text that is safe to print to a terminal."""

from pathlib import Path

MAX_MESSAGE = 2000  # Characters of a message; text from a file can be of any length


class InputError(ValueError):
    """A mistake in a config, corpus, checkpoint or prompt.

    The message is one line that names the file, key or position and says what to do; scripts print it
    and exit with code 1, without a traceback. It is made :func:`printable` and cut to :data:`MAX_MESSAGE`.
    """

    def __init__(self, message: str) -> None:
        super().__init__(_cut(printable(_cut(message))))


class DivergedError(InputError):
    """A loss, a gradient or a weight isn't finite; ``message`` says which and when."""

    def __init__(self, message: str) -> None:
        super().__init__(f"{message}: training diverged: a lower optimizer.lr or trainer.gradient_clip_val=1 may help")


def expanded(key: str, name: str) -> Path:
    """The path that ``key=name`` means, ``~`` being the home directory; an InputError if there is no such home."""
    try:
        return Path(name).expanduser()
    except RuntimeError as error:
        raise InputError(f"{key}={name}: {error}") from error


def printable(text: object) -> str:
    """``text`` in one line, with control, format, bidirectional and surrogate characters escaped as ``\\x1b``."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in str(text)
    )


def _cut(text: str) -> str:
    """``text``, or its beginning and end with … between them where it is too long."""
    half = MAX_MESSAGE // 2
    return text if len(text) <= MAX_MESSAGE else f"{text[: half - 1]}…{text[-half:]}"
