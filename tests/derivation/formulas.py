"""Formulas of docs/derivation.md that more than one of its sections needs."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, diag

from tests.derivation.nets import LSTM, H, PerGate, PerTime, Run, product, summed


def slope(run: Run, t: int) -> Tensor:
    """s_t = o_t ⊙ (1 − tanh² C_t)."""
    return run.o[t] * (1 - run.c[t].tanh() ** 2)


def cell_by_gates(run: Run, t: int) -> PerGate:
    """G_t^q = ∂C_t/∂a_t^q."""
    i, f, g = run.i[t], run.f[t], run.g[t]
    return {
        "i": diag(g * i * (1 - i)),
        "f": diag(run.c[t - 1] * f * (1 - f)),
        "g": diag(i * (1 - g**2)),
        "o": torch.zeros(len(i), len(i), dtype=torch.float64),
    }


def hidden_by_gates(run: Run, t: int) -> PerGate:
    """D_t^q = ∂h_t/∂a_t^q."""
    by_gates = {q: diag(slope(run, t)) @ by_gate for q, by_gate in cell_by_gates(run, t).items()}
    return by_gates | {"o": diag(run.c[t].tanh() * run.o[t] * (1 - run.o[t]))}


def through(by_gates: PerGate, matrices: PerGate) -> Tensor:
    """The sum over gates of a Jacobian by the gate's pre-activation times a matrix of the gate."""
    return summed(by_gates[q] @ matrices[q] for q in by_gates)


def loss_by_hidden(run: Run, t: int) -> Tensor:
    """∂L_t/∂h_t = W_yᵀ (p_t − y_t)."""
    return run.weights.head.T @ (run.p[t] - run.y[t])


def elman_factors(run: Run, t: int, k: int) -> list[Tensor]:
    """∂h_j/∂h_{j−1} for j = t … k+1, the latest first."""
    return [diag(1 - run.h[j] ** 2) @ run.weights.u["z"] for j in range(t, k, -1)]


@dataclass
class Deltas:
    """δ^h, δ^C and δ^q of each step, ∂L by h_t, C_t and a_t^q."""

    h: PerTime = field(default_factory=dict)
    c: PerTime = field(default_factory=dict)
    a: dict[str, PerTime] = field(default_factory=lambda: {q: {} for q in LSTM})


def lstm_sweep(run: Run, forget_product: bool = True, hidden_path: bool = True) -> Deltas:
    """The recursion of the text, or what is left of it without one of its two ways back."""
    deltas = Deltas()
    h_later = c_later = torch.zeros(H, dtype=torch.float64)
    for t in reversed(run.x):
        i, f, g, o = run.i[t], run.f[t], run.g[t], run.o[t]
        delta_h = loss_by_hidden(run, t) + hidden_path * h_later
        delta_c = slope(run, t) * delta_h + forget_product * c_later
        deltas.h[t], deltas.c[t] = delta_h, delta_c
        deltas.a["i"][t] = delta_c * g * i * (1 - i)
        deltas.a["f"][t] = delta_c * run.c[t - 1] * f * (1 - f)
        deltas.a["g"][t] = delta_c * i * (1 - g**2)
        deltas.a["o"][t] = delta_h * run.c[t].tanh() * o * (1 - o)
        h_later = summed(run.weights.u[q].T @ deltas.a[q][t] for q in LSTM)
        c_later = f * delta_c
    return deltas


def summed_outer(deltas: PerTime, vectors: PerTime, shift: int = 0) -> Tensor:
    """Σₜ δ_t v_{t−shift}ᵀ."""
    return summed(torch.outer(deltas[t], vectors[t - shift]) for t in deltas)


def state_jacobian(run: Run, t: int) -> Tensor:
    """J_t, (2H, 2H): C_t and h_t by C_{t−1} and h_{t−1}, each with the other held."""
    cell_by_hidden = through(cell_by_gates(run, t), run.weights.u)
    hidden_by_hidden = through(hidden_by_gates(run, t), run.weights.u)
    cell_row = torch.cat([diag(run.f[t]), cell_by_hidden], dim=1)
    hidden_row = torch.cat([diag(slope(run, t) * run.f[t]), hidden_by_hidden], dim=1)
    return torch.cat([cell_row, hidden_row])


def cell_through_time(run: Run, t: int, k: int) -> Tensor:
    """∂C_t/∂C_k, total, k ≥ 1."""
    size = len(run.c[t])
    way_in = torch.cat([torch.eye(size, dtype=torch.float64), diag(slope(run, k))])
    return (product(state_jacobian(run, j) for j in range(t, k, -1)) @ way_in)[:size]
