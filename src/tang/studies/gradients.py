"""Check the gradients of every backend against finite differences, and all its results against ``torch``."""

from collections import defaultdict
from dataclasses import replace
from itertools import product

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from tang.config.studies import Gradients, GradientSizes
from tang.recurrent import cells
from tang.recurrent.stack import backends_of
from tang.studies.figures import heat_map
from tang.studies.findings import Findings
from tang.studies.gradient_check import Problem
from tang.studies.short_training import tracked
from tang.tables import columns, markdown

BOUNDS = {"float64": 1e-9, "float32": 1e-5}
"""Dtype → bound on relative errors, max|a − b| ÷ max|b| over a tensor."""

KINDS = ("inputs", "h_0", "c_0", "weight_ih", "weight_hh", "bias_ih", "bias_hh")
"""Kinds of tensors that a loss is differentiated with respect to; weights of all layers are one kind."""

Errors = dict[tuple[str, str], dict[str, float]]
"""Cell and backend → compared quantity → the worst relative error."""


def study(options: Gradients, seed: int) -> Findings:
    """Check every cell on every backend against finite differences, and against ``torch``."""
    checked, compared = by_differences(options.differences, seed), by_torch(options.agreement, seed)
    text = f"""\
Gradients in float64 against finite differences of torch's forward pass: worst max|a − b| ÷ max|b|
over the tensors of a kind. Where the rows of a cell are alike, the error is that of the differences.
{_listed(options.differences)}.

{_table_and_verdict(checked)}

Agreement with torch in outputs and last states (results) and in all gradients: worst max|a − b| ÷ max|b|
over stacks of 1 to num_layers layers, with an initial state and without.
{_listed(options.agreement)}.

{_table_and_verdict(compared)}"""
    return Findings(text, {"gradients": _figure(checked)})


def by_differences(sizes: GradientSizes, seed: int) -> Errors:
    """Errors of gradients in float64 against finite differences, by kind of tensor."""
    errors: Errors = defaultdict(dict)
    for cell in tracked(cells.names(), "finite differences"):
        problem = Problem.draw(cell, sizes, has_state=True, dtype=torch.float64, seed=seed)
        expected = problem.differences()
        for backend in backends_of(cell):
            for name, gradient in problem.on(backend).gradients().items():
                _note(errors[cell, backend], name.split("_l")[0], gradient, expected[name])
    return errors


def by_torch(sizes: GradientSizes, seed: int) -> Errors:
    """Errors of results and gradients against the cell's first backend, ``torch`` if it has that, by dtype."""
    errors: Errors = defaultdict(dict)
    cases = product(cells.names(), range(1, sizes.num_layers + 1), [True, False], BOUNDS)
    for cell, layers, has_state, dtype in tracked(list(cases), "agreement"):
        problem = Problem.draw(cell, replace(sizes, num_layers=layers), has_state, getattr(torch, dtype), seed)
        expected = {"results": problem.results(), "gradients": problem.gradients()}
        for backend in backends_of(cell)[1:]:
            other = problem.on(backend)
            for quantity, found in (("results", other.results()), ("gradients", other.gradients())):
                for name, tensor in found.items():
                    _note(errors[cell, backend], f"{quantity}, {dtype}", tensor, expected[quantity][name])
    return errors


def _note(row: dict[str, float], column: str, found: Tensor, expected: Tensor) -> None:
    """Raise the error in a column to the relative error of ``found``, if that is worse."""
    relative = ((found - expected).abs().max() / expected.abs().max()).item()
    row[column] = float(np.maximum(row.get(column, 0.0), relative))  # NaN if either is, unlike Python's max


def _listed(sizes: GradientSizes) -> str:
    return ", ".join(f"{name} {size}" for name, size in vars(sizes).items())


def _table_and_verdict(errors: Errors) -> str:
    names, rows, above = columns(list(errors.values())), [], []
    for (cell, backend), row in errors.items():
        shown = {name: f"{row[name]:.0e}".replace("0e+00", "0") if name in row else "–" for name in names}
        rows.append({"cell": cell, "backend": backend, **shown})
        for name, error in row.items():
            if not error <= BOUNDS["float32" if "float32" in name else "float64"]:  # true for NaN
                above.append(f"{cell} on {backend}, {name}")
    bounds = ", ".join(f"{dtype} {bound:.0e}" for dtype, bound in BOUNDS.items())
    verdict = f"ABOVE: {'; '.join(above)}" if above else "All are within."
    return f"{markdown(rows)}\n\nBounds: {bounds}. {verdict}"


def _figure(errors: Errors) -> Figure:
    """Digits that agree with finite differences: −log10 of the worst error, a row for each cell and backend."""
    digits = np.array([[-np.log10(row.get(kind, np.nan)) for kind in KINDS] for row in errors.values()])
    figure = Figure(figsize=(8, 5.5), layout="constrained")
    axes = figure.subplots()
    axes.set_title("Digits on which gradients and finite differences agree: −log₁₀ of the worst error")
    names = [f"{cell} on {backend}" for cell, backend in errors]
    image = heat_map(axes, digits, names, 1, digits, dark=9, cmap="Blues", vmin=0, vmax=16)
    axes.set_xticks(range(len(KINDS)), KINDS)
    figure.colorbar(image, label=f"digits; {-np.log10(BOUNDS['float64']):.0f} are required")
    return figure
