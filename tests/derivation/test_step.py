"""Section 1 of docs/derivation.md: one step of the LSTM."""

import torch
from torch import diag

from tests.derivation.formulas import cell_by_gates, hidden_by_gates, slope, through
from tests.derivation.nets import LSTM, H, Run, agree, gradient, jacobian, unit


def test_gradient_of_the_output_gate(step: Run) -> None:
    agree(diag(step.c[1].tanh()), jacobian(step.h[1], step.o[1]))


def test_gradient_of_the_cell(step: Run) -> None:
    agree(diag(slope(step, 1)), jacobian(step.h[1], step.c[1]))


def test_gradient_of_the_forget_gate(step: Run) -> None:
    agree(diag(step.c[0]), jacobian(step.c[1], step.f[1]))
    agree(diag(slope(step, 1) * step.c[0]), jacobian(step.h[1], step.f[1]))


def test_gradient_of_the_input_gate(step: Run) -> None:
    agree(diag(step.g[1]), jacobian(step.c[1], step.i[1]))
    agree(diag(slope(step, 1) * step.g[1]), jacobian(step.h[1], step.i[1]))


def test_gradient_of_the_candidate(step: Run) -> None:
    agree(diag(step.i[1]), jacobian(step.c[1], step.g[1]))
    agree(diag(slope(step, 1) * step.i[1]), jacobian(step.h[1], step.g[1]))


def test_gradient_of_the_pre_activations(step: Run) -> None:
    for q in LSTM:
        agree(hidden_by_gates(step, 1)[q], jacobian(step.h[1], step.a[q][1]))
    for q in "ifg":
        agree(cell_by_gates(step, 1)[q], jacobian(step.c[1], step.a[q][1]))
    assert not jacobian(step.c[1], step.a["o"][1]).any()


def test_gradient_of_the_previous_hidden_state(step: Run, lstm: Run) -> None:
    agree(through(hidden_by_gates(step, 1), step.weights.u), jacobian(step.h[1], step.h[0]))
    agree(through(cell_by_gates(step, 1), step.weights.u), jacobian(step.c[1], step.h[0]))
    agree(jacobian(step.h[1], step.h[0]), jacobian(lstm.h[3], lstm.h[2]))  # direct and total are the same


def test_gradient_of_the_input(step: Run) -> None:
    agree(through(hidden_by_gates(step, 1), step.weights.w), jacobian(step.h[1], step.x[1]))


def test_direct_gradient_of_the_previous_cell(step: Run) -> None:
    agree(diag(slope(step, 1) * step.f[1]), jacobian(step.h[1], step.c[0]))


def test_total_gradient_of_the_previous_cell(lstm: Run) -> None:
    direct = diag(slope(lstm, 3) * lstm.f[3])
    by_hidden = through(hidden_by_gates(lstm, 3), lstm.weights.u)
    agree(direct + by_hidden @ diag(slope(lstm, 2)), jacobian(lstm.h[3], lstm.c[2]))


def test_direct_gradient_of_all_parameters(step: Run) -> None:
    by_gates = hidden_by_gates(step, 1)
    for q in LSTM:
        for r in range(H):
            height = by_gates[q][r, r]
            agree(height * torch.outer(unit(r), step.x[1]), gradient(step.h[1][r], step.weights.w[q]))
            agree(height * torch.outer(unit(r), step.h[0]), gradient(step.h[1][r], step.weights.u[q]))
        agree(by_gates[q], jacobian(step.h[1], step.weights.b[q]))
