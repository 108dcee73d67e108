"""Are the gradients right? Every backend against finite differences, and against ``torch``."""

import itertools

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from tang.recurrent.stack import BACKENDS, CELLS
from tang.studies.findings import Findings
from tang.studies.gradient_check import Problem, Sizes
from tang.studies.short_training import tracked
from tang.tables import markdown

BOUNDS = {torch.float64: 1e-9, torch.float32: 1e-5}
"""Of relative errors, max|a − b| ÷ max|b| over a tensor."""

KINDS = ("inputs", "h_0", "c_0", "weight_ih", "weight_hh", "bias_ih", "bias_hh")
"""What a loss is differentiated by; of the weights, those of all layers."""

Errors = dict[tuple[str, str], dict[str, float]]
"""Cell and backend → what was compared → the worst relative error."""


def study(*, differences: dict[str, int], agreement: dict[str, int], seed: int) -> Findings:
    """Hold every cell on every backend against finite differences, and against ``torch``.

    Args:
        differences: :class:`Sizes`; each number of each tensor takes four forward passes.
        agreement: :class:`Sizes`; stacks of 1 to ``num_layers`` layers, with an initial state and without.
        seed: of parameters, inputs and states.
    """
    small, large = Sizes(**differences), Sizes(**agreement)
    checked, compared = by_differences(small, seed), by_torch(large, seed)
    text = "\n".join(
        [
            "Gradients in float64 against finite differences of torch's forward pass: worst max|a − b| ÷ max|b|",
            "over the tensors of a kind. Where the rows of a cell are alike, it is the differences that err.",
            f"{_spelt(small)}.",
            "",
            _table(checked),
            "",
            _verdict(checked),
            "",
            "Agreement with torch in outputs and last states (results) and in all gradients: worst max|a − b| ÷ max|b|",
            "over stacks of 1 to num_layers layers, with an initial state and without.",
            f"{_spelt(large)}.",
            "",
            _table(compared),
            "",
            _verdict(compared),
        ]
    )
    return Findings(text, {"gradients": _figure(checked)})


def by_differences(sizes: Sizes, seed: int) -> Errors:
    """Of gradients in float64, by kind of leaf."""
    errors: Errors = {}
    for cell in tracked(list(CELLS), "finite differences"):
        problem = Problem.draw(cell, sizes, has_state=True, dtype=torch.float64, seed=seed)
        right = problem.differences()
        for backend in ("torch", *others(cell)):
            row = errors[cell, backend] = {}
            for name, gradient in problem.on(backend).gradients().items():
                kind = name.split("_l")[0]
                row[kind] = _worst(row.get(kind, 0.0), _error(gradient, right[name]))
    return errors


def by_torch(sizes: Sizes, seed: int) -> Errors:
    """Of results and gradients, by type."""
    errors: Errors = {(cell, backend): {} for cell in CELLS for backend in others(cell)}
    cases = itertools.product(CELLS, range(1, sizes.num_layers + 1), [True, False], BOUNDS)
    for cell, layers, has_state, dtype in tracked(list(cases), "agreement"):
        problem = Problem.draw(cell, sizes._replace(num_layers=layers), has_state, dtype, seed)
        right = {"results": problem.results(), "gradients": problem.gradients()}
        for backend in others(cell):
            other, row = problem.on(backend), errors[cell, backend]
            for part, found in (("results", other.results()), ("gradients", other.gradients())):
                column = f"{part}, {_name(dtype)}"
                worst = _worst(*(_error(tensor, right[part][name]) for name, tensor in found.items()))
                row[column] = _worst(row.get(column, 0.0), worst)
    return errors


def others(cell: str) -> list[str]:
    """The backends beside ``torch`` that have this cell."""
    return [backend for backend, layers in BACKENDS.items() if cell in layers]


def _error(found: Tensor, right: Tensor) -> float:
    return ((found - right).abs().max() / right.abs().max()).item()


def _worst(*errors: float) -> float:
    return float(np.max(errors))  # Python's own max may pass over NaN


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _bound(column: str) -> float:
    """Of results and gradients by their type; without one it is float64."""
    return next((bound for dtype, bound in BOUNDS.items() if _name(dtype) in column), BOUNDS[torch.float64])


def _spelt(sizes: Sizes) -> str:
    return ", ".join(f"{name} {size}" for name, size in sizes._asdict().items())


def _table(errors: Errors) -> str:
    columns = list(dict.fromkeys(column for row in errors.values() for column in row))
    return markdown(
        [
            {"cell": cell, "backend": backend}
            | {column: f"{row[column]:.0e}".replace("0e+00", "0") if column in row else "–" for column in columns}
            for (cell, backend), row in errors.items()
        ]
    )


def _verdict(errors: Errors) -> str:
    places = [(*names, column, error) for names, row in errors.items() for column, error in row.items()]
    bounds = ", ".join(f"{_name(dtype)} {bound:.0e}" for dtype, bound in BOUNDS.items())
    above = [f"{cell} on {backend}, {column}" for cell, backend, column, error in places if not error <= _bound(column)]
    return f"Bounds: {bounds}. {'ABOVE: ' + '; '.join(above) if above else 'All are within.'}"


def _figure(errors: Errors) -> Figure:
    """Digits that agree with finite differences: −log10 of the worst error, a row for each cell and backend."""
    digits = np.array([[-np.log10(row.get(kind, np.nan)) for kind in KINDS] for row in errors.values()])
    figure = Figure(figsize=(8, 5.5), layout="constrained")
    axes = figure.subplots()
    axes.set_title("Digits on which gradients and finite differences agree: −log₁₀ of the worst error")
    image = axes.imshow(digits, cmap="Blues", vmin=0, vmax=16, aspect="auto")
    for (row, column), value in np.ndenumerate(digits):
        if np.isfinite(value):
            axes.text(column, row, f"{value:.1f}", ha="center", va="center", color="white" if value > 9 else "black")
    axes.set_xticks(range(len(KINDS)), KINDS)
    axes.set_yticks(range(len(errors)), [f"{cell} on {backend}" for cell, backend in errors])
    axes.set_xticks(np.arange(len(KINDS)) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(errors)) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, label=f"digits; {-np.log10(BOUNDS[torch.float64]):.0f} are asked for")
    return figure
