"""Section 8 of docs/derivation.md: what is left of a gradient after fifty steps."""

import math
import random

import pytest
import torch
from torch import Tensor, diag, nn

from tests.derivation.conftest import TEXT
from tests.derivation.formulas import cell_through_time, elman_factors
from tests.derivation.nets import (
    ELMAN,
    LSTM,
    E,
    H,
    Run,
    V,
    Weights,
    agree,
    gradient,
    jacobian,
    leaf,
    product,
    run_from_zero_state,
    uniform,
)

LARGE, LONG = 64, 51
DISTANCES = (1, 10, 25, 50)


def large_run(gates: str, forget_bias: float = 0.0) -> Run:
    """E = H = 64 over 51 steps: weights in ±1/√H, inputs of variance one, biases zero but the forget gate's."""
    rng = random.Random(0)
    bound = LARGE**-0.5
    zeros = torch.zeros(LARGE, dtype=torch.float64)
    weights = Weights(
        w={q: uniform(rng, LARGE, LARGE, bound=bound) for q in gates},
        u={q: uniform(rng, LARGE, LARGE, bound=bound) for q in gates},
        b={q: zeros + forget_bias * (q == "f") for q in gates},
        head=uniform(rng, V, LARGE, bound=bound),
        head_bias=torch.zeros(V, dtype=torch.float64),
    )
    x = {t: uniform(rng, LARGE, bound=3**0.5) for t in range(LONG + 1)}
    y = dict.fromkeys(x, torch.eye(V, dtype=torch.float64)[0])
    del x[0], y[0]
    return run_from_zero_state(weights, x, y)


def spectral_norm(matrix: Tensor) -> float:
    return float(torch.linalg.matrix_norm(matrix.detach(), 2))


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def test_elman_gradient_is_bounded_by_a_product_of_norms(beside: str) -> None:
    run = large_run(ELMAN)
    u = run.weights.u["z"]
    norms, bounds = [], []
    for n in DISTANCES:
        k = LONG - n
        norms.append(spectral_norm(product(elman_factors(run, LONG, k))))
        slopes = [(1 - run.h[j] ** 2).max().item() for j in range(k + 1, LONG + 1)]
        bounds.append(math.prod(slopes) * spectral_norm(u) ** n)
    assert all(norm <= bound for norm, bound in zip(norms, bounds, strict=True))
    assert row("Elman net", "–", *(f"{norm:.1e}" for norm in norms)) in TEXT

    direction = u[0].detach()
    agree(direction @ product(elman_factors(run, LONG, 1)), gradient(direction @ run.h[LONG], run.h[1]))
    mean_slope = torch.stack([1 - run.h[t] ** 2 for t in run.x]).mean().item()
    radius = torch.linalg.eigvals(u).abs().max().item()
    assert f"{mean_slope:.2f} × {radius:.2f} = {mean_slope * radius:.2f}" in beside


def figures(run: Run, matrices: list[Tensor]) -> list[str]:
    """The mean forget gate and the norms, as the text's table prints them."""
    mean_gate = torch.stack([run.f[t] for t in run.x]).mean()
    return [f"{mean_gate:.2f}", *(f"{spectral_norm(matrix):.1e}" for matrix in matrices)]


@pytest.mark.parametrize("forget_bias", [0, 1, 5])
def test_cell_gradient_is_a_product_of_forget_gates_and_more(forget_bias: int) -> None:
    run = large_run(LSTM, forget_bias)
    gates = torch.stack([run.f[t] for t in run.x])
    direct = [gates[-n:].prod(0) for n in DISTANCES]
    total = [cell_through_time(run, LONG, LONG - n) for n in DISTANCES]
    name = f"LSTM, forget bias {forget_bias}"
    assert row(f"{name}, direct", *figures(run, [diag(v) for v in direct])) in TEXT
    assert row(f"{name}, total", *figures(run, total)) in TEXT

    begun = cell = leaf(run.c[1])
    for t in range(2, LONG + 1):  # every h is a constant, and so are the gates
        cell = run.f[t].detach() * cell + (run.i[t] * run.g[t]).detach()
    agree(product(diag(run.f[t]) for t in range(LONG, 1, -1)), diag(direct[-1]))
    agree(diag(direct[-1]), jacobian(cell, begun))
    direction = run.weights.u["i"][0].detach()
    agree(direction @ total[-1], gradient(direction @ run.c[LONG], run.c[1]))


def test_reach_of_a_forget_gate(beside: str) -> None:
    for forget_bias in (0.0, 1.0, 5.0):
        cell = nn.LSTMCell(E, H).double()
        with torch.no_grad():
            for parameter in cell.parameters():
                parameter.zero_()
            cell.bias_ih[H : 2 * H] = forget_bias
        h = torch.zeros(H, dtype=torch.float64)
        begun = c = torch.ones(H, dtype=torch.float64, requires_grad=True)
        for _ in range(50):
            h, c = cell(torch.ones(E, dtype=torch.float64), (h, c))
        gate = torch.tensor(forget_bias, dtype=torch.float64).sigmoid()
        reach = -1 / gate.log()
        agree(gate**50 * torch.eye(H, dtype=torch.float64), jacobian(c, begun))
        agree(torch.exp(-50 / reach), gate**50)
        assert f"{reach:.1f} steps for f = {gate:.3f}" in beside
