"""The way of the data: a package imports none that stands after it."""

import ast
from pathlib import Path

import pytest

import tang

FOUNDATIONS = {"tang.__init__", "tang.errors", "tang.files", "tang.signals"}
ROOMS = ["corpus", "data", "kernels", "recurrent", "tasks", "verse", "callbacks"]
SOURCE = Path(tang.__file__).parent


@pytest.mark.parametrize("room", ROOMS)
def test_no_package_imports_a_later_one(room: str) -> None:
    later = {f"tang.{name}" for name in ROOMS[ROOMS.index(room) + 1 :]}
    outside = {f"tang.{path.stem}" for path in SOURCE.iterdir()} - FOUNDATIONS
    outside -= {f"tang.{name}" for name in ROOMS}
    for module in (SOURCE / room).glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert ".".join((name or "").split(".")[:2]) not in later | outside, f"{module}: {name}"
