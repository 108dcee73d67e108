"""What a checkpoint may hold: plain data, and tensors that are no larger than the file they are in."""

import math
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

if sys.platform == "linux":
    import resource

FOREIGN = "this is no checkpoint of this project; give one that train.py or export.py wrote"
DAMAGED = "the file is damaged or cut off; copy it again"
SMALLER = "give a smaller model, or free some"
OLDER = "it is from an older version of this project; train again"

MAX_DEPTH = 20
MAX_VALUES = 1_000_000
MAX_DIMENSIONS = 8

IMPORTED = {
    *("_target_", "_partial_", "_args_", "_recursive_", "_convert_"),  # Hydra's
    *("_instantiator", "_class_path", "class_path", "init_args", "hparams_type"),  # Lightning's
}
"""Keys by which libraries import what a value names."""


class RefusedError(Exception):
    """Why a file isn't read, and what to do; :mod:`tang.checkpoint` puts the file's name before it."""

    def __init__(self, reason: str, remedy: str = FOREIGN) -> None:
        super().__init__(f"{reason}; {remedy}")
        self.reason = reason


@dataclass(frozen=True)
class Declared:
    """A tensor as its file declares it; nothing of it is in memory."""

    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class Content:
    """A checkpoint before its tensors are read."""

    values: dict[str, Any]
    """All of it, with a :class:`Declared` for every tensor."""
    load: Callable[[], dict[str, Any]]
    """The same with its tensors.

    Raises:
        RefusedError: they aren't what was written.
    """


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Whatever a stranger's bytes raise in here, ``what`` is refused."""
    try:
        yield
    except RefusedError:
        raise
    except Exception as error:
        if isinstance(error, MemoryError) or "allocate" in str(error):  # PyTorch's is a RuntimeError
            raise RefusedError(f"{what} takes more memory than there is", SMALLER) from error
        raise RefusedError(f"{what} can't be read ({type(error).__name__})", DAMAGED) from error


def check_memory(needed: int) -> None:
    """Refuse what needs more memory than this process can have: is free, or its limit leaves, as Linux tells.

    Args:
        needed: bytes.
    """
    if sys.platform != "linux":
        return
    meminfo = Path("/proc/meminfo").read_text(encoding="ascii")
    available = min(int(free) * 1024 for free in re.findall(r"^(?:MemAvailable|MemTotal): *(\d+) kB$", meminfo, re.M))
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        available = min(available, limit - pages * resource.getpagesize())
    if needed > available:
        raise RefusedError(f"needs {needed / 1e9:.1f} GB of memory, {available / 1e9:.1f} are there", SMALLER)


def shown(value: Any) -> str:
    """A value of the file for a message: short, on one line, without control characters."""
    if type(value) is str:
        return repr(value if len(value) <= 60 else f"{value[:60]}…")
    if value is None or type(value) in (bool, int, float):
        return repr(value)
    return "a tensor" if type(value) is Declared else f"a {type(value).__name__}"


def check_shape(shape: Any, stride: Any = None) -> None:
    """Refuse what isn't the shape of a dense tensor.

    Args:
        shape: tuple or list of sizes.
        stride: elements from one to the next in each dimension; None: as in a contiguous tensor.
    """
    lengths = (shape,) if stride is None else (shape, stride)
    if not all(isinstance(each, tuple | list) and len(each) == len(shape) <= MAX_DIMENSIONS for each in lengths):
        raise RefusedError("a tensor's shape is wrong")
    if not all(type(size) is int and 0 <= size < 2**63 for each in lengths for size in each):
        raise RefusedError("a tensor has a size that no tensor has")
    if stride is not None and 0 not in shape:
        step = 1
        for size, given in zip(reversed(shape), reversed(stride), strict=True):
            if size > 1 and given != step:
                raise RefusedError("a tensor isn't dense: its elements overlap or lie apart")
            step *= size


def check_plain(value: Any, file_size: int) -> None:
    """Refuse what isn't plain data, keys that name what to import, and tensors that are larger than their file.

    Two tensors may share their memory, as tied weights do.
    """
    total = 0
    for tensor in _tensors(value):
        total += tensor.nbytes
        if total > 2 * file_size:
            raise RefusedError("its tensors are larger than the file")


def _tensors(value: Any) -> Iterator[Declared]:
    """All of ``value``, from its outside to its inside; what isn't plain is refused."""
    level: Sequence[Any] = [value]
    seen = 0
    for _ in range(MAX_DEPTH):
        inside: list[Any] = []
        for item in level:
            seen += 1
            if type(item) is dict:
                for key in item:
                    if key in IMPORTED:
                        raise RefusedError(f"has a key {key}, by which something would be imported", "don't use it")
                inside += item.values()
            elif type(item) in (list, tuple):
                inside += item
            elif type(item) is Declared:
                yield item
            elif type(item) is int and not -(2**63) <= item < 2**64:
                raise RefusedError("holds a number of more than 64 bits")
            elif item is not None and type(item) not in (str, int, float, bool):
                raise RefusedError("holds more than plain data and tensors")
            if seen + len(inside) > MAX_VALUES:
                raise RefusedError(f"holds more than {MAX_VALUES:,} values")
        if not inside:
            return
        level = inside
    raise RefusedError(f"is nested more than {MAX_DEPTH} deep")


def check_finite(value: Any, where: str) -> None:
    """Refuse tensors, in dicts or alone, that hold infinities or what isn't a number."""
    if isinstance(value, dict):
        for name, item in value.items():
            check_finite(item, f"{where}.{name}")
    elif isinstance(value, Tensor) and not value.isfinite().all():
        raise RefusedError(f"{where[:200]} is not finite everywhere", "its training failed, or the file is damaged")


def difference(given: Any, own: Any, where: str) -> str | None:
    """Where what a file has isn't made as ``own`` is; None if it is: keys, lengths, types, shapes, finite numbers."""
    if isinstance(own, dict):
        if not isinstance(given, dict) or given.keys() != own.keys():
            return where
        pairs = [(given[key], own[key], f"{where}.{key}") for key in own]
    elif isinstance(own, list | tuple):
        if type(given) is not type(own) or len(given) != len(own):
            return where
        pairs = [(item, own[i], f"{where}.{i}") for i, item in enumerate(given)]
    elif isinstance(own, Tensor | Declared):
        is_alike = isinstance(given, Tensor | Declared) and tuple(given.shape) == tuple(own.shape)
        return None if is_alike and given.dtype.is_floating_point == own.dtype.is_floating_point else where
    else:
        is_spoilt = type(own) is float and math.isfinite(own) and type(given) is float and not math.isfinite(given)
        return where if type(given) is not type(own) or is_spoilt else None
    return next((wrong for each in pairs if (wrong := difference(*each))), None)
