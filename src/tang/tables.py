"""Markdown tables of rows, for the terminal and for files."""

from collections.abc import Sequence
from typing import Any


def columns(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The keys of all rows, in order of first occurrence."""
    return list(dict.fromkeys(key for row in rows for key in row))


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """``rows`` as a Markdown table with aligned columns; a cell whose key a row lacks is empty."""
    head = columns(rows)
    cells = [head, *([str(row.get(key, "")) for key in head] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    lines.insert(1, " | ".join("-" * width for width in widths))
    return "\n".join(f"| {line} |" for line in lines)
