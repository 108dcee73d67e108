"""The one exception for what a user can put right, and text that may go to a terminal."""

MAX_MESSAGE = 2000
"""Characters; a file can put a text of any length into a message."""


class InputError(ValueError):
    """A mistake in a config, corpus, checkpoint or prompt.

    Its message is one line that names the file, key or position and says what to do;
    the scripts print that line and end with exit code 1, without a traceback.
    What a file puts into it is made :func:`printable` and cut.
    """

    def __init__(self, message: str) -> None:
        super().__init__(_cut(printable(_cut(message))))


class DivergedError(InputError):
    """A loss, a gradient or a weight isn't finite; ``message`` says which and when."""

    def __init__(self, message: str) -> None:
        super().__init__(f"{message}: training diverged: a lower optimizer.lr or trainer.gradient_clip_val=1 may help")


def printable(text: object) -> str:
    """``text`` in one line; what would steer a terminal or turn the writing round is shown as its code.

    That is every control, format and bidirectional character, line separator and lone surrogate.
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in str(text)
    )


def _cut(text: str) -> str:
    """``text``, or its beginning and end."""
    half = MAX_MESSAGE // 2
    return text if len(text) <= MAX_MESSAGE else f"{text[: half - 1]}…{text[-half:]}"
