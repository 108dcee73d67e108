"""Check the gradients of every backend against finite differences, and all its results against ``torch``."""

import copy
from collections import defaultdict
from dataclasses import astuple, dataclass, replace
from itertools import product

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from tang.config.studies import Gradients, GradientSizes
from tang.console import tracked
from tang.recurrent import cells
from tang.recurrent.layer import State
from tang.recurrent.stack import Recurrent, backends_of
from tang.studies.findings import Findings, heat_map
from tang.tables import columns, markdown

BOUNDS = {"float64": 1e-9, "float32": 1e-5}  # Dtype → bound on relative errors, max|a − b| ÷ max|b| over a tensor

KINDS = ("inputs", "h_0", "c_0", "weight_ih", "weight_hh", "bias_ih", "bias_hh")
"""Kinds of tensors that a loss is differentiated with respect to; weights of all layers are one kind."""

Errors = dict[tuple[str, str], dict[str, float]]  # Cell and backend → compared quantity → the worst relative error
OFFSET = 1e-3  # Step of the finite differences; rounding and truncation errors are about 1e-11 then


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


@dataclass(frozen=True)
class Problem:
    """A stack, its inputs, and a loss: the sum of outputs and last states, each number weighted at random."""

    stack: Recurrent
    inputs: Tensor
    state: State | None
    directions: list[Tensor]  # The weights of outputs and last states in the loss

    @classmethod
    def draw(cls, cell: str, sizes: GradientSizes, has_state: bool, dtype: torch.dtype, seed: int) -> "Problem":
        """A random problem on the default backend: parameters are uniform in ±1/√H, everything else is normal."""
        generator = torch.Generator().manual_seed(seed)
        batch, time, embedding, hidden, layers = astuple(sizes)

        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

        stack = Recurrent(embedding, hidden, layers, cell=cell).to(dtype)
        with torch.no_grad():
            for parameter in stack.parameters():
                parameter.copy_(torch.rand(parameter.shape, generator=generator) * 2 - 1).mul_(hidden**-0.5)
        state, last = (tuple(normal(layers, batch, hidden) for _ in range(stack.cell.states)) for _ in range(2))
        inputs, directions = normal(batch, time, embedding), [normal(batch, time, hidden), *last]
        return cls(stack, inputs, state if has_state else None, directions)

    def on(self, backend: str) -> "Problem":
        """This problem, parameters included, on another backend."""
        stack = copy.copy(self.stack)
        stack.backend = backend
        return replace(self, stack=stack)

    def leaves(self) -> dict[str, Tensor]:
        """The tensors that the loss is differentiated with respect to."""
        state = dict(zip(("h_0", "c_0"), self.state or (), strict=False))
        return {"inputs": self.inputs, **state, **dict(self.stack.layers.named_parameters())}

    def results(self) -> dict[str, Tensor]:
        outputs, last = self.stack(self.inputs, self.state)
        return {"outputs": outputs, **dict(zip(("h_n", "c_n"), last, strict=False))}

    def loss(self) -> Tensor:
        pairs = zip(self.results().values(), self.directions, strict=True)
        return torch.stack([(result * direction).sum() for result, direction in pairs]).sum()

    def gradients(self) -> dict[str, Tensor]:
        """Gradients of the loss, computed by the backend."""
        leaves = {name: leaf.requires_grad_() for name, leaf in self.leaves().items()}
        return dict(zip(leaves, torch.autograd.grad(self.loss(), list(leaves.values())), strict=True))

    @torch.no_grad()
    def differences(self) -> dict[str, Tensor]:
        """Gradients of the loss by central differences of fourth order, without a backward pass.

        ∂L/∂x = (L(x − 2s) − 8 L(x − s) + 8 L(x + s) − L(x + 2s)) ÷ 12 s + O(s⁴)
        """
        slopes = {name: torch.zeros_like(leaf) for name, leaf in self.leaves().items()}
        for name, leaf in self.leaves().items():
            for index in np.ndindex(*leaf.shape):
                value = leaf[index].item()
                for offset, factor in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
                    leaf[index] = value + offset * OFFSET
                    slopes[name][index] += factor * self.loss() / (12 * OFFSET)
                leaf[index] = value
        return slopes


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
