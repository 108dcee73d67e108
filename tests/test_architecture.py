"""Data flows one way: a package imports only foundations and packages that stand before it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import tang

FOUNDATIONS = ["errors", "atomic", "shutdown", "console", "tables", "fonts"]
ROOMS = [
    *("text", "corpus", "prosody", "kernels", "recurrent", "config", "runs", "data", "tasks"),
    *("checkpoint", "generation", "evaluation", "training", "studies", "sweeps", "reporting", "cli", "page"),
]
WITHOUT_TORCH = [*FOUNDATIONS, "text", "corpus", "prosody", "config", "runs", "cli"]

SOURCE = Path(tang.__file__).parent


def imports(path: Path) -> Iterator[str]:
    """Dotted names of the modules that a file imports, those within functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(place: str) -> list[Path]:
    folder = SOURCE / place
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [SOURCE / f"{place}.py"]


def test_every_module_is_in_a_room_or_a_foundation() -> None:
    found = {path.relative_to(SOURCE).parts[0].removesuffix(".py") for path in SOURCE.rglob("*.py")}
    assert found == {"__init__", *FOUNDATIONS, *ROOMS}


@pytest.mark.parametrize("place", [*FOUNDATIONS, *ROOMS])
def test_imports_lead_to_rooms_that_stand_before(place: str) -> None:
    order = [*FOUNDATIONS, *ROOMS]
    allowed = {*order[: order.index(place)], place}
    for path in files(place):
        for name in imports(path):
            package, _, rest = name.partition(".")
            assert package != "tang" or rest.partition(".")[0] in allowed, f"{path.relative_to(SOURCE)}: {name}"


@pytest.mark.parametrize("place", WITHOUT_TORCH)
def test_what_needs_no_torch_does_not_import_it(place: str) -> None:
    for path in files(place):
        for name in imports(path):
            assert name.partition(".")[0] not in ("torch", "pytorch_lightning"), f"{path.relative_to(SOURCE)}: {name}"
