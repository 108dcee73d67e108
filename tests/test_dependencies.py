"""Imports of ``src/`` are declared in ``pyproject.toml``, and declared packages are imported."""

import ast
import sys
from importlib.metadata import distribution, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.commands import ROOT

UNIMPORTED = {
    *("hydra-ray-launcher", "hydra-submitit-launcher"),
    *("sqlalchemy", "scipy", "scikit-learn", "alembic"),
    *("wandb", "mlflow-skinny"),
}
"""Plugins that Hydra finds, what Optuna or MLflow imports when it is needed, and what Lightning's loggers import."""

OPTIONAL = {"optuna": "search", "starlette": "page", "uvicorn": "page"}
"""Imported by one module or package each, which has the name of the extra."""


def declared(extra: str) -> set[str]:
    """Those of ``pyproject.toml`` as it was installed, with an extra or without, ""."""
    requirements = map(Requirement, requires("tang") or [])
    return {
        canonicalize_name(requirement.name)
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra})
    }


def modules(distributions: set[str]) -> dict[str, str]:
    """Top-level module → the one of these that brings it."""
    return {
        file.parts[0].removesuffix(".py"): name
        for name in distributions
        for file in distribution(name).files or []
        if file.suffix == ".py"
    }


def imported() -> dict[str, set[Path]]:
    """Top-level module → the files of ``src/`` that import it; Python's own and this package don't count."""
    found: dict[str, set[Path]] = {}
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                found.setdefault(name.partition(".")[0], set()).add(path)
    return {name: files for name, files in found.items() if name not in sys.stdlib_module_names | {"tang"}}


def test_imports_and_declarations_agree() -> None:
    every = set.union(*(declared(extra) for extra in ("", "search", "slurm", "ray", "wandb", "mlflow", "page")))
    known, found = modules(every), imported()
    assert found.keys() <= known.keys(), "imported and not declared"
    assert every - {known[name] for name in found} == UNIMPORTED
    assert {known[name] for name in found} - declared("") == OPTIONAL.keys(), "only in an extra"
    for name, extra in OPTIONAL.items():
        assert name in declared(extra)
        assert all(extra in (path.stem, path.parent.name) for path in found[name]), "an extra may be missing"
