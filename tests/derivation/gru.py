"""The GRU of docs/derivation.md run forward, and those of its formulas that several tests need.

``weights.b["m"]`` is b_m, the bias that the reset gate multiplies.
"""

import random
from dataclasses import dataclass, field

import torch
from torch import Tensor, diag, nn

from tests.derivation.formulas import loss_by_hidden
from tests.derivation.nets import H, PerGate, PerTime, Run, Weights, draw_weights, read_out, summed, uniform

GRU = "rzn"


@dataclass
class GRURun(Run):
    """A sequence run forward by the GRU; ``a`` has r, z and n."""

    r: PerTime = field(default_factory=dict)
    z: PerTime = field(default_factory=dict)
    m: PerTime = field(default_factory=dict)
    n: PerTime = field(default_factory=dict)


def draw_gru_weights(rng: random.Random) -> Weights:
    weights = draw_weights(rng, GRU)
    weights.b["m"] = uniform(rng, H)
    return weights


def run_gru(weights: Weights, x: PerTime, y: PerTime, h: Tensor) -> GRURun:
    run = GRURun(weights, x, y, a={q: {} for q in GRU}, h={0: h})
    w, u, b = weights.w, weights.u, weights.b
    for t in x:
        before = run.h[t - 1]
        for q in "rz":
            run.a[q][t] = w[q] @ x[t] + u[q] @ before + b[q]
        run.r[t], run.z[t] = run.a["r"][t].sigmoid(), run.a["z"][t].sigmoid()
        run.m[t] = u["n"] @ before + b["m"]
        run.a["n"][t] = w["n"] @ x[t] + b["n"] + run.r[t] * run.m[t]
        run.n[t] = run.a["n"][t].tanh()
        run.h[t] = (1 - run.z[t]) * run.n[t] + run.z[t] * before
        read_out(run, t)
    return run


def load_gru(module: nn.Module, weights: Weights, order: str = GRU, suffix: str = "") -> None:
    """Fills PyTorch's four parameters of a layer, the gates stacked in this order."""
    of_hidden = {"r": 0.75 * weights.b["r"], "z": 0.75 * weights.b["z"], "n": weights.b["m"]}
    of_input = {"r": 0.25 * weights.b["r"], "z": 0.25 * weights.b["z"], "n": weights.b["n"]}
    blocks = {"weight_ih": weights.w, "weight_hh": weights.u, "bias_ih": of_input, "bias_hh": of_hidden}
    module.load_state_dict({f"{name}{suffix}": torch.cat([part[q] for q in order]) for name, part in blocks.items()})


def gru_by_parts(run: GRURun, t: int) -> PerGate:
    """D_t^r, D_t^z, D_t^n and D_t^m: ∂h_t by a_t^q and by m_t."""
    r, z, n, m = run.r[t], run.z[t], run.n[t], run.m[t]
    by_candidate = diag((1 - z) * (1 - n**2))
    return {
        "r": by_candidate @ diag(m * r * (1 - r)),
        "z": diag((run.h[t - 1] - n) * z * (1 - z)),
        "n": by_candidate,
        "m": by_candidate @ diag(r),
    }


def gru_step_jacobian(run: GRURun, t: int) -> Tensor:
    """∂h_t/∂h_{t−1}."""
    by, u = gru_by_parts(run, t), run.weights.u
    return diag(run.z[t]) + by["r"] @ u["r"] + by["z"] @ u["z"] + by["m"] @ u["n"]


def gru_sweep(run: GRURun) -> tuple[dict[str, PerTime], Tensor]:
    """δ^h, δ^r, δ^z, δ^n and δ^m of each step, and ∂L/∂h_0."""
    deltas: dict[str, PerTime] = {name: {} for name in "hrznm"}
    u, later = run.weights.u, torch.zeros(H, dtype=torch.float64)
    for t in reversed(run.x):
        r, z, n, m = run.r[t], run.z[t], run.n[t], run.m[t]
        delta_h = loss_by_hidden(run, t) + later
        delta_z = delta_h * (run.h[t - 1] - n) * z * (1 - z)
        delta_n = delta_h * (1 - z) * (1 - n**2)
        delta_m = delta_n * r
        delta_r = delta_n * m * r * (1 - r)
        for name, delta in zip("hrznm", (delta_h, delta_r, delta_z, delta_n, delta_m), strict=True):
            deltas[name][t] = delta
        later = summed([z * delta_h, u["r"].T @ delta_r, u["z"].T @ delta_z, u["n"].T @ delta_m])
    return deltas, later
