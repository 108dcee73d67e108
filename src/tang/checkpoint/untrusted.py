"""Refusing an untrusted file: the error, its remedies, and the checks that both formats share."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

FOREIGN = "this is no checkpoint of this project; give one that train.py or export.py wrote"
DAMAGED = "the file is damaged or cut off; copy it again"
UNSAFE = "don't use it"
SMALLER = "give a smaller model, or free memory"
OLDER = "it is from an older version of this project; train again"
NEWER = "it is from a newer version of this project, or from another project; update, or give another"

IMPORTED = {  # Keys by which a library would import what their value names
    *("_target_", "_partial_", "_args_", "_recursive_", "_convert_"),  # Hydra's
    *("_instantiator", "_class_path", "class_path", "init_args", "hparams_type"),  # Lightning's
}


class RefusedError(Exception):
    """Why a file is refused and what to do; :mod:`tang.checkpoint` puts the file's name before it."""

    def __init__(self, reason: str, remedy: str = FOREIGN) -> None:
        super().__init__(f"{reason}; {remedy}")
        self.reason = reason


@contextmanager
def readable(subject: str) -> Iterator[None]:
    """Turn any exception within into a RefusedError of ``subject``: memory is lacking, or the file is damaged."""
    try:
        yield
    except RefusedError:
        raise
    except Exception as error:
        if isinstance(error, MemoryError) or "allocate" in str(error):  # PyTorch raises a RuntimeError
            raise RefusedError(f"{subject} takes more memory than there is", SMALLER) from error
        raise RefusedError(f"{subject} can't be read ({type(error).__name__})", DAMAGED) from error


def check_keys(content: object) -> None:
    """Refuse a key of :data:`IMPORTED` at any depth of dicts, lists and tuples, each object visited once."""
    stack, seen = [content], set()
    while stack:
        item = stack.pop()
        if id(item) in seen:  # an object may contain itself, or occur 2⁶⁰ times
            continue
        seen.add(id(item))
        if isinstance(item, dict):
            if imported := IMPORTED.intersection(item):
                raise RefusedError(f"has a key {min(imported)}, by which a library would import something", UNSAFE)
            stack += item.values()
        elif isinstance(item, list | tuple):
            stack += item


def shown(value: object) -> str:
    """A value of the file for a message: short, on one line, without control characters."""
    if type(value) is str:
        return repr(value if len(value) <= 60 else f"{value[:60]}…")
    if value is None or type(value) in (bool, int, float):
        return repr(value)
    return "a tensor" if isinstance(value, Tensor) else f"a {type(value).__name__}"
