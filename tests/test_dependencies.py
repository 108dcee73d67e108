"""What ``src/`` imports is declared in ``pyproject.toml``, and what is declared is imported."""

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.commands import ROOT

UNIMPORTED = {
    *("hydra-joblib-launcher", "hydra-optuna-sweeper", "hydra-ray-launcher", "hydra-submitit-launcher"),
    "sqlalchemy",
}
"""Plugins that Hydra finds by itself, and what Optuna 2 needs an older version of."""


def imported() -> Iterator[str]:
    """The distribution of each import in ``src/``, but for Python's own and this package."""
    distributions = packages_distributions()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for top in {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"tang"}:
                assert len(distributions.get(top, [])) == 1, f"{path}: {top} isn't one package's"
                yield canonicalize_name(distributions[top][0])


def declared(extra: str) -> set[str]:
    """Those of ``pyproject.toml`` as it was installed, with an extra or without, ""."""
    requirements = map(Requirement, requires("tang") or [])
    return {
        canonicalize_name(requirement.name)
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra})
    }


def test_imports_and_declarations_agree() -> None:
    found = set(imported())
    every = set.union(*(declared(extra) for extra in ("", "gpus", "search", "slurm", "ray")))
    assert found - {"joblib", "optuna"} <= declared(""), "an extra is imported where it may be missing"
    assert every - found == UNIMPORTED
    assert found <= every
