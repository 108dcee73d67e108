"""Recurrent cells: each file here defines one as ``CELL``, and its name is the cell's name in ``model.cell``.

Folders appended to ``__path__`` add cells too. This module doesn't import PyTorch, so that a config can be checked
without it.
"""

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from tang.errors import InputError

if TYPE_CHECKING:
    from tang.recurrent.layer import Cell


def names() -> list[str]:
    """Names of all cells, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


@cache
def load(name: str) -> "Cell":
    """The cell of this name; an InputError if there is none."""
    if name not in names():
        raise InputError(f"model.cell={name}: must be one of {', '.join(names())}")
    cell: Cell = importlib.import_module(f"{__name__}.{name}").CELL
    return cell


def default_backend(name: str) -> str:
    """``torch``, or ``equations`` for a cell of this package that PyTorch lacks."""
    return "equations" if name in names() and not load(name).module else "torch"
