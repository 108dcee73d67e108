"""Every displayed formula of docs/derivation.md, evaluated as it stands there and held against autograd.

The text names the test beside each formula. Names are the text's own, but in lower case: C is ``c``,
W_q is ``w["q"]``. Time counts from 1 as in the text, with ``h[0]`` and ``c[0]`` the initial state.
"""

import ast
import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

TEXT = (Path(__file__).parent.parent / "docs" / "derivation.md").read_text(encoding="utf-8")
E, H, V, T = 3, 4, 5, 6
LSTM, ELMAN = "ifgo", "z"  # a layer is told by the names of its pre-activations

PerTime = dict[int, Tensor]
PerGate = dict[str, Tensor]


@dataclass
class Weights:
    """``w[q]`` (H, E), ``u[q]`` (H, H), ``b[q]`` (H,) of each pre-activation, ``head`` (V, H), ``head_bias`` (V,)."""

    w: PerGate
    u: PerGate
    b: PerGate
    head: Tensor
    head_bias: Tensor

    def all(self) -> dict[str, Tensor]:
        """Every parameter by a name such as ``w_i``."""
        layer = {
            f"{kind}_{q}": v
            for kind, part in zip("wub", (self.w, self.u, self.b), strict=True)
            for q, v in part.items()
        }
        return {**layer, "head": self.head, "head_bias": self.head_bias}


@dataclass
class Run:
    """A sequence run forward. Every tensor is a node of autograd's graph, so anything can be derived by anything."""

    weights: Weights
    x: PerTime
    y: PerTime
    a: dict[str, PerTime] = field(default_factory=dict)
    i: PerTime = field(default_factory=dict)
    f: PerTime = field(default_factory=dict)
    g: PerTime = field(default_factory=dict)
    o: PerTime = field(default_factory=dict)
    c: PerTime = field(default_factory=dict)
    h: PerTime = field(default_factory=dict)
    p: PerTime = field(default_factory=dict)
    losses: PerTime = field(default_factory=dict)

    @property
    def loss(self) -> Tensor:
        return torch.stack(list(self.losses.values())).sum()


def uniform(rng: random.Random, *shape: int, bound: float = 1.0) -> Tensor:
    """Numbers in ±bound, the same ones with every version of Python and PyTorch."""
    numbers = [rng.uniform(-bound, bound) for _ in range(math.prod(shape))]
    return torch.tensor(numbers, dtype=torch.float64).reshape(shape).requires_grad_()


def draw_weights(rng: random.Random, gates: str, bound: float = 1.0) -> Weights:
    return Weights(
        w={q: uniform(rng, H, E, bound=bound) for q in gates},
        u={q: uniform(rng, H, H, bound=bound) for q in gates},
        b={q: uniform(rng, H, bound=bound) for q in gates},
        head=uniform(rng, V, H, bound=bound),
        head_bias=uniform(rng, V, bound=bound),
    )


def read_out(run: Run, t: int) -> None:
    run.p[t] = (run.weights.head @ run.h[t] + run.weights.head_bias).softmax(0)
    run.losses[t] = -(run.y[t] * run.p[t].log()).sum()


def run_lstm(weights: Weights, x: PerTime, y: PerTime, h: Tensor, c: Tensor) -> Run:
    run = Run(weights, x, y, a={q: {} for q in LSTM}, h={0: h}, c={0: c})
    for t in x:
        for q in LSTM:
            run.a[q][t] = weights.w[q] @ x[t] + weights.u[q] @ run.h[t - 1] + weights.b[q]
        run.i[t], run.f[t], run.o[t] = (run.a[q][t].sigmoid() for q in "ifo")
        run.g[t] = run.a["g"][t].tanh()
        run.c[t] = run.f[t] * run.c[t - 1] + run.i[t] * run.g[t]
        run.h[t] = run.o[t] * run.c[t].tanh()
        read_out(run, t)
    return run


def run_elman(weights: Weights, x: PerTime, y: PerTime, h: Tensor) -> Run:
    run = Run(weights, x, y, a={"z": {}}, h={0: h})
    for k in x:
        run.a["z"][k] = weights.u["z"] @ run.h[k - 1] + weights.w["z"] @ x[k] + weights.b["z"]
        run.h[k] = run.a["z"][k].tanh()
        read_out(run, k)
    return run


def draw_sequence(rng: random.Random) -> tuple[PerTime, PerTime]:
    """Inputs x_1 … x_T and one-hot targets y_1 … y_T."""
    one_hot = torch.eye(V, dtype=torch.float64)
    return {t: uniform(rng, E) for t in range(1, T + 1)}, {t: one_hot[rng.randrange(V)] for t in range(1, T + 1)}


@pytest.fixture
def lstm() -> Run:
    rng = random.Random(0)
    return run_lstm(draw_weights(rng, LSTM), *draw_sequence(rng), uniform(rng, H), uniform(rng, H))


@pytest.fixture
def elman() -> Run:
    rng = random.Random(0)
    return run_elman(draw_weights(rng, ELMAN), *draw_sequence(rng), uniform(rng, H))


@pytest.fixture
def step(lstm: Run) -> Run:
    """Step 3 of the LSTM by itself, as step 1: what came before is constant, so derivatives are direct ones."""
    return run_lstm(lstm.weights, {1: lstm.x[3]}, {1: lstm.y[3]}, leaf(lstm.h[2]), leaf(lstm.c[2]))


@pytest.fixture
def beside(request: pytest.FixtureRequest) -> str:
    """The paragraphs, items and table rows of the text that name the running test: its figures stand there."""
    name = f"`{request.node.originalname}`"
    return "\n".join(passage for passage in re.split(r"\n\n|\n(?=[|-] ?)", TEXT) if name in passage)


def leaf(tensor: Tensor) -> Tensor:
    return tensor.detach().clone().requires_grad_()


def gradient(scalar: Tensor, x: Tensor) -> Tensor:
    """∂scalar/∂x by autograd, in the shape of x; zeros if there is no path."""
    return torch.autograd.grad(scalar, x, retain_graph=True, materialize_grads=True)[0]


def jacobian(y: Tensor, x: Tensor) -> Tensor:
    """∂y/∂x by autograd along all paths, numerator layout: (len(y), *x.shape)."""
    return torch.stack([gradient(element, x) for element in y])


def error(value: Tensor, truth: Tensor) -> float:
    """max|value − truth| / max|truth|."""
    assert value.shape == truth.shape
    return ((value - truth).abs().max() / truth.abs().max()).item()


def agree(formula: Tensor, autograd: Tensor) -> None:
    assert autograd.any(), "nothing to compare with"
    assert error(formula, autograd) < 1e-9


def diag(v: Tensor) -> Tensor:
    return torch.diag(v)


def product(factors: Iterator[Tensor]) -> Tensor:
    """The factors multiplied from left to right as they come."""
    result = next(factors)
    for factor in factors:
        result = result @ factor
    return result


def unit(r: int) -> Tensor:
    return torch.eye(H, dtype=torch.float64)[r]


# 0. Notation


def load(module: nn.Module, weights: Weights, order: str, suffix: str = "") -> None:
    """Fills PyTorch's four parameters of a layer, the gates stacked in this order."""
    stacked = {
        f"weight_ih{suffix}": torch.cat([weights.w[q] for q in order]),
        f"weight_hh{suffix}": torch.cat([weights.u[q] for q in order]),
        f"bias_ih{suffix}": torch.cat([0.25 * weights.b[q] for q in order]),
        f"bias_hh{suffix}": torch.cat([0.75 * weights.b[q] for q in order]),
    }
    module.load_state_dict(stacked)


def test_lstm_equations_are_those_of_lstm_cell(lstm: Run) -> None:
    cell = nn.LSTMCell(E, H).double()
    load(cell, lstm.weights, LSTM)
    h, c = lstm.h[0], lstm.c[0]
    for t in lstm.x:
        h, c = cell(lstm.x[t], (h, c))
        agree(lstm.h[t], h)
        agree(lstm.c[t], c)


def test_only_the_order_i_f_g_o_gives_lstm_cell(lstm: Run) -> None:
    cell = nn.LSTMCell(E, H).double()
    agreeing = []
    for order in permutations(LSTM):
        load(cell, lstm.weights, "".join(order))
        if error(cell(lstm.x[1], (lstm.h[0], lstm.c[0]))[0], lstm.h[1]) < 1e-9:
            agreeing.append("".join(order))
    assert agreeing == ["ifgo"]


def test_elman_equations_are_those_of_rnn_cell(elman: Run) -> None:
    cell = nn.RNNCell(E, H).double()
    load(cell, elman.weights, ELMAN)
    h = elman.h[0]
    for k in elman.x:
        h = cell(elman.x[k], h)
        agree(elman.h[k], h)


def test_layout_and_chain_rule(elman: Run) -> None:
    weight, x = elman.weights.w["z"], elman.x[1]
    y = weight @ x
    by_entry = torch.tensor([[gradient(y[r], x)[c] for c in range(E)] for r in range(H)], dtype=torch.float64)
    agree(by_entry, weight)
    loss = y.tanh().square().sum()
    by_y = gradient(loss, y)
    agree(by_entry.T @ by_y, gradient(loss, x))
    agree(torch.outer(by_y, x), gradient(loss, weight))


def test_a_batch_sums_over_examples(elman: Run) -> None:
    weight, rows = elman.weights.w["z"], torch.stack([elman.x[k] for k in elman.x])
    y = rows @ weight.T
    loss = y.tanh().square().sum()
    deltas = gradient(loss, y)
    agree(torch.stack([torch.outer(delta, x) for delta, x in zip(deltas, rows, strict=True)]).sum(0), deltas.T @ rows)
    agree(deltas.T @ rows, gradient(loss, weight))


def test_slopes_of_sigmoid_and_tanh() -> None:
    a = uniform(random.Random(0), H, bound=3.0)
    agree(diag(a.sigmoid() * (1 - a.sigmoid())), jacobian(a.sigmoid(), a))
    agree(diag(1 - a.tanh() ** 2), jacobian(a.tanh(), a))


# 1. One step of the LSTM


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
    return torch.stack([by_gates[q] @ matrices[q] for q in by_gates]).sum(0)


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


# 2. Softmax cross-entropy


def test_jacobian_of_the_softmax(lstm: Run) -> None:
    v = leaf(lstm.weights.head @ lstm.h[1] + lstm.weights.head_bias)
    p = v.softmax(0)
    agree(v.exp() / v.exp().sum(), p)
    agree(diag(p) - torch.outer(p, p), jacobian(p, v))


def test_gradient_of_the_logits(lstm: Run) -> None:
    v = leaf(lstm.weights.head @ lstm.h[1] + lstm.weights.head_bias)
    p, y = v.softmax(0), lstm.y[1]
    truth = gradient(F.cross_entropy(v, y.argmax()), v)
    agree((diag(p) - torch.outer(p, p)).T @ (-y / p), truth)
    agree(p - y, truth)


def test_gradient_of_the_head_and_of_the_hidden_state(lstm: Run) -> None:
    for t in lstm.x:
        delta = lstm.p[t] - lstm.y[t]
        agree(torch.outer(delta, lstm.h[t]), gradient(lstm.losses[t], lstm.weights.head))
        agree(delta, gradient(lstm.losses[t], lstm.weights.head_bias))
        agree(lstm.weights.head.T @ delta, gradient(lstm.losses[t], lstm.h[t]))


def perplexity(run: Run) -> Tensor:
    return torch.stack([-(run.p[t] @ run.y[t]).log() for t in run.x]).mean().exp()


def test_perplexity(lstm: Run) -> None:
    v = torch.stack([lstm.weights.head @ lstm.h[t] + lstm.weights.head_bias for t in lstm.x])
    targets = torch.stack([lstm.y[t].argmax() for t in lstm.x])
    agree(perplexity(lstm), F.cross_entropy(v, targets).exp())


# 3. Through time


def elman_deltas(run: Run, t: int) -> PerTime:
    """δ_{t,k} for k = t … 1."""
    by_hidden = run.weights.head.T @ (run.p[t] - run.y[t])
    deltas = {t: (1 - run.h[t] ** 2) * by_hidden}
    for k in range(t - 1, 0, -1):
        deltas[k] = (1 - run.h[k] ** 2) * (run.weights.u["z"].T @ deltas[k + 1])
    return deltas


def test_elman_recursion(elman: Run) -> None:
    for t in elman.x:
        for k, delta in elman_deltas(elman, t).items():
            agree(delta, gradient(elman.losses[t], elman.a["z"][k]))


def test_elman_weight_gradients_are_double_sums(elman: Run) -> None:
    by_w = by_u = by_b = torch.zeros((), dtype=torch.float64)
    for t in elman.x:
        for k, delta in elman_deltas(elman, t).items():
            by_w = by_w + torch.outer(delta, elman.x[k])
            by_u = by_u + torch.outer(delta, elman.h[k - 1])
            by_b = by_b + delta
    layer = nn.RNN(E, H).double()
    load(layer, elman.weights, ELMAN, "_l0")
    loss = torch_loss(layer, elman, elman.h[0][None])
    for formula, name in ((by_w, "weight_ih_l0"), (by_u, "weight_hh_l0"), (by_b, "bias_ih_l0"), (by_b, "bias_hh_l0")):
        agree(formula, gradient(loss, layer.get_parameter(name)))


def torch_loss(layer: nn.Module, run: Run, state: Tensor | tuple[Tensor, Tensor]) -> Tensor:
    """The run's loss with PyTorch's own layer and cross-entropy."""
    outputs, _ = layer(torch.stack(list(run.x.values())), state)
    logits = F.linear(outputs, run.weights.head, run.weights.head_bias)
    return F.cross_entropy(logits, torch.stack([y.argmax() for y in run.y.values()]), reduction="sum")


def recursive_gradient(run: Run, t: int, r: int, c: int) -> Tensor:
    """∂z_t/∂u_rc, carried forward from the first step."""
    u = run.weights.u["z"]
    total = torch.zeros(H, dtype=torch.float64)
    for k in range(1, t + 1):
        previous = diag(1 - run.h[k - 1] ** 2) @ total if k > 1 else total
        total = unit(r) * run.h[k - 1][c] + u @ previous
    return total


def test_total_gradient_of_a_recurrent_weight_recursively(elman: Run) -> None:
    by_autograd = jacobian(elman.a["z"][T], elman.weights.u["z"])
    for r in range(H):
        for c in range(H):
            agree(recursive_gradient(elman, T, r, c), by_autograd[:, r, c])


def test_direct_parts_sum_to_the_total_gradient(elman: Run) -> None:
    by_autograd = gradient(elman.losses[T], elman.weights.u["z"])
    deltas = elman_deltas(elman, T)
    for r in range(H):
        for c in range(H):
            direct_parts = [deltas[k] @ (unit(r) * elman.h[k - 1][c]) for k in deltas]
            agree(torch.stack(direct_parts).sum(), by_autograd[r, c])
            agree(deltas[T] @ recursive_gradient(elman, T, r, c), by_autograd[r, c])


def elman_factors(run: Run, t: int, k: int) -> list[Tensor]:
    """∂h_j/∂h_{j−1} for j = t … k+1, the latest first."""
    return [diag(1 - run.h[j] ** 2) @ run.weights.u["z"] for j in range(t, k, -1)]


def test_jacobian_through_time_is_an_ordered_product(elman: Run) -> None:
    for k in range(T):
        agree(product(iter(elman_factors(elman, T, k))), jacobian(elman.h[T], elman.h[k]))


def elman_sweep(run: Run) -> PerTime:
    """δ_k = ∂L/∂z_k for k = T … 1."""
    deltas: PerTime = {}
    from_later = torch.zeros(H, dtype=torch.float64)
    for k in reversed(run.x):
        deltas[k] = (1 - run.h[k] ** 2) * (run.weights.head.T @ (run.p[k] - run.y[k]) + from_later)
        from_later = run.weights.u["z"].T @ deltas[k]
    return deltas


def test_one_sweep_sums_over_all_losses(elman: Run) -> None:
    for k, delta in elman_sweep(elman).items():
        agree(torch.stack([elman_deltas(elman, t)[k] for t in range(k, T + 1)]).sum(0), delta)
        agree(delta, gradient(elman.loss, elman.a["z"][k]))


def test_all_steps_in_one_product(elman: Run) -> None:
    deltas = elman_sweep(elman)
    columns = torch.stack([deltas[k] for k in elman.x], dim=1)
    inputs = torch.stack([elman.x[k] for k in elman.x], dim=1)
    previous = torch.stack([elman.h[k - 1] for k in elman.x], dim=1)
    agree(columns @ inputs.T, gradient(elman.loss, elman.weights.w["z"]))
    agree(columns @ previous.T, gradient(elman.loss, elman.weights.u["z"]))
    agree(columns.sum(1), gradient(elman.loss, elman.weights.b["z"]))


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
        delta_h = run.weights.head.T @ (run.p[t] - run.y[t]) + hidden_path * h_later
        delta_c = slope(run, t) * delta_h + forget_product * c_later
        deltas.h[t], deltas.c[t] = delta_h, delta_c
        deltas.a["i"][t] = delta_c * g * i * (1 - i)
        deltas.a["f"][t] = delta_c * run.c[t - 1] * f * (1 - f)
        deltas.a["g"][t] = delta_c * i * (1 - g**2)
        deltas.a["o"][t] = delta_h * run.c[t].tanh() * o * (1 - o)
        h_later = torch.stack([run.weights.u[q].T @ deltas.a[q][t] for q in LSTM]).sum(0)
        c_later = f * delta_c
    return deltas


def test_lstm_recursion(lstm: Run) -> None:
    deltas = lstm_sweep(lstm)
    for t in lstm.x:
        agree(deltas.h[t], gradient(lstm.loss, lstm.h[t]))
        agree(deltas.c[t], gradient(lstm.loss, lstm.c[t]))


def test_lstm_gate_deltas(lstm: Run) -> None:
    deltas = lstm_sweep(lstm)
    for t in lstm.x:
        for q in LSTM:
            agree(deltas.a[q][t], gradient(lstm.loss, lstm.a[q][t]))


def summed_outer(deltas: PerTime, vectors: PerTime, shift: int = 0) -> Tensor:
    """Σₜ δ_t v_{t−shift}ᵀ."""
    return torch.stack([torch.outer(deltas[t], vectors[t - shift]) for t in deltas]).sum(0)


def test_lstm_weight_gradients(lstm: Run) -> None:
    layer = nn.LSTM(E, H).double()
    load(layer, lstm.weights, LSTM, "_l0")
    loss = torch_loss(layer, lstm, (lstm.h[0][None], lstm.c[0][None]))
    deltas = lstm_sweep(lstm).a
    formulas = {
        "weight_ih_l0": [summed_outer(deltas[q], lstm.x) for q in LSTM],
        "weight_hh_l0": [summed_outer(deltas[q], lstm.h, shift=1) for q in LSTM],
        "bias_ih_l0": [torch.stack(list(deltas[q].values())).sum(0) for q in LSTM],
    }
    formulas["bias_hh_l0"] = formulas["bias_ih_l0"]
    for name, blocks in formulas.items():
        agree(torch.cat(blocks), gradient(loss, layer.get_parameter(name)))


def test_lstm_gradients_of_inputs_and_initial_state(lstm: Run) -> None:
    deltas = lstm_sweep(lstm)
    for t in lstm.x:
        by_input = torch.stack([lstm.weights.w[q].T @ deltas.a[q][t] for q in LSTM]).sum(0)
        agree(by_input, gradient(lstm.loss, lstm.x[t]))
    by_hidden = torch.stack([lstm.weights.u[q].T @ deltas.a[q][1] for q in LSTM]).sum(0)
    agree(by_hidden, gradient(lstm.loss, lstm.h[0]))
    agree(lstm.f[1] * deltas.c[1], gradient(lstm.loss, lstm.c[0]))


# 4. The cell's own road


def test_direct_gradient_of_cell_to_cell(step: Run) -> None:
    agree(diag(step.f[1]), jacobian(step.c[1], step.c[0]))


def test_total_gradient_of_cell_to_cell(lstm: Run) -> None:
    for t in range(2, T + 1):
        by_hidden = through(cell_by_gates(lstm, t), lstm.weights.u)
        agree(diag(lstm.f[t]) + by_hidden @ diag(slope(lstm, t - 1)), jacobian(lstm.c[t], lstm.c[t - 1]))


def state_jacobian(run: Run, t: int) -> Tensor:
    """J_t, (2H, 2H): C_t and h_t by C_{t−1} and h_{t−1}, each with the other held."""
    cell_by_hidden = through(cell_by_gates(run, t), run.weights.u)
    hidden_by_hidden = through(hidden_by_gates(run, t), run.weights.u)
    cell_row = torch.cat([diag(run.f[t]), cell_by_hidden], dim=1)
    hidden_row = torch.cat([diag(slope(run, t) * run.f[t]), hidden_by_hidden], dim=1)
    return torch.cat([cell_row, hidden_row])


def test_jacobian_of_the_whole_state(step: Run) -> None:
    states = torch.cat([step.c[1], step.h[1]])
    agree(state_jacobian(step, 1), torch.cat([jacobian(states, step.c[0]), jacobian(states, step.h[0])], dim=1))


def cell_through_time(run: Run, t: int, k: int) -> Tensor:
    """∂C_t/∂C_k, total, k ≥ 1."""
    size = len(run.c[t])
    way_in = torch.cat([torch.eye(size, dtype=torch.float64), diag(slope(run, k))])
    return (product(state_jacobian(run, j) for j in range(t, k, -1)) @ way_in)[:size]


def test_cell_through_time(lstm: Run, beside: str) -> None:
    agree(cell_through_time(lstm, 5, 2), jacobian(lstm.c[5], lstm.c[2]))
    truth = jacobian(lstm.c[3], lstm.c[1])
    single = product(
        diag(lstm.f[t]) + through(cell_by_gates(lstm, t), lstm.weights.u) @ diag(slope(lstm, t - 1)) for t in (3, 2)
    )
    around = through(cell_by_gates(lstm, 3), lstm.weights.u) @ hidden_by_gates(lstm, 2)["o"] @ lstm.weights.u["o"]
    agree(single + around @ diag(slope(lstm, 1)), truth)
    assert f"off by\n{100 * error(single, truth):.1f} %" in beside


def test_five_paths_from_the_third_loss_to_the_second_forget_gate(lstm: Run) -> None:
    u, s_3, s_2 = lstm.weights.u, diag(slope(lstm, 3)), diag(slope(lstm, 2))
    by_gates, by_output = cell_by_gates(lstm, 3), hidden_by_gates(lstm, 3)["o"]
    loss_by_h = lstm.weights.head.T @ (lstm.p[3] - lstm.y[3])
    f_2_to_c_2 = diag(lstm.c[1])
    paths = {
        "f₂ → C₂ → C₃ → h₃ → L₃": s_3 @ diag(lstm.f[3]) @ f_2_to_c_2,
        "f₂ → C₂ → h₂ → i₃ → C₃ → h₃ → L₃": s_3 @ by_gates["i"] @ u["i"] @ s_2 @ f_2_to_c_2,
        "f₂ → C₂ → h₂ → f₃ → C₃ → h₃ → L₃": s_3 @ by_gates["f"] @ u["f"] @ s_2 @ f_2_to_c_2,
        "f₂ → C₂ → h₂ → g₃ → C₃ → h₃ → L₃": s_3 @ by_gates["g"] @ u["g"] @ s_2 @ f_2_to_c_2,
        "f₂ → C₂ → h₂ → o₃ → h₃ → L₃": by_output @ u["o"] @ s_2 @ f_2_to_c_2,
    }
    truth = gradient(lstm.losses[3], lstm.f[2])
    agree(torch.stack([path.T @ loss_by_h for path in paths.values()]).sum(0), truth)
    for name, path in paths.items():
        share = (path.T @ loss_by_h).norm() / truth.norm()
        assert re.search(rf"^\| {name} \| .* \| {share:.3f} \|$", TEXT, re.MULTILINE)


def test_paths_multiply_with_the_distance() -> None:
    arrows = {"i": "C", "f": "C", "g": "C", "C": "h", "o": "h"}  # within a step

    def paths(node: str, t: int, last: int) -> int:
        """The number of ways from a node of step t to h of the last step, which the loss reads."""
        if node == "h":
            return 1 if t == last else sum(paths(gate, t + 1, last) for gate in LSTM)
        onward = paths("C", t + 1, last) if node == "C" and t < last else 0
        return onward + paths(arrows[node], t, last)

    counts = [paths("f", 2, last) for last in (3, 4, 5)]
    assert "{}, {} and {}".format(*counts) in TEXT


# 5. Where to begin


def constant(gates: str, value: float, head: float | None) -> Weights:
    """Every entry the same, but for the head if ``head`` is None: then it is random."""
    weights = draw_weights(random.Random(1), gates)
    with torch.no_grad():
        for name, parameter in weights.all().items():
            if not name.startswith("head"):
                parameter.fill_(value)
            elif head is not None:
                parameter.fill_(head)
    return weights


def run_from_zero_state(weights: Weights, gates: str, like: Run) -> Run:
    zeros = torch.zeros(H, dtype=torch.float64)
    return (
        run_lstm(weights, like.x, like.y, zeros, zeros) if gates == LSTM else run_elman(weights, like.x, like.y, zeros)
    )


def gradients(run: Run) -> dict[str, Tensor]:
    parameters = run.weights.all()
    by_parameter = torch.autograd.grad(run.loss, list(parameters.values()), retain_graph=True, materialize_grads=True)
    return dict(zip(parameters, by_parameter, strict=True))


@pytest.mark.parametrize("gates", [LSTM, ELMAN])
def test_permuted_units_have_permuted_gradients(gates: str, lstm: Run) -> None:
    weights = draw_weights(random.Random(1), gates)
    swap = torch.eye(H, dtype=torch.float64)[[2, 0, 1, 3]]
    permuted = Weights(
        w={q: leaf(swap @ weights.w[q]) for q in gates},
        u={q: leaf(swap @ weights.u[q] @ swap.T) for q in gates},
        b={q: leaf(swap @ weights.b[q]) for q in gates},
        head=leaf(weights.head @ swap.T),
        head_bias=weights.head_bias,
    )
    here, there = run_from_zero_state(weights, gates, lstm), run_from_zero_state(permuted, gates, lstm)
    agree(there.loss, here.loss)
    before, after = gradients(here), gradients(there)
    for q in gates:
        agree(swap @ before[f"w_{q}"], after[f"w_{q}"])
        agree(swap @ before[f"u_{q}"] @ swap.T, after[f"u_{q}"])
        agree(swap @ before[f"b_{q}"], after[f"b_{q}"])
    agree(before["head"] @ swap.T, after["head"])


def spread(run: Run) -> float:
    """How far the units of a layer are apart: the largest difference between two of them, at any time."""
    states = torch.stack([run.h[t] for t in run.x])
    return (states.amax(1) - states.amin(1)).max().item()


def descend(weights: Weights, gates: str, like: Run, steps: int, clip: float = math.inf) -> Run:
    """Plain gradient descent, with clipping by norm."""
    parameters = weights.all()
    for _ in range(steps):
        for name, value in gradients(run_from_zero_state(weights, gates, like)).items():
            parameters[name].grad = value
        nn.utils.clip_grad_norm_(parameters.values(), clip)
        with torch.no_grad():
            for parameter in parameters.values():
                parameter -= 0.1 * parameter.grad  # type: ignore[operator]
    return run_from_zero_state(weights, gates, like)


@pytest.mark.parametrize("gates", [LSTM, ELMAN])
def test_equal_units_stay_equal(gates: str, lstm: Run) -> None:
    weights = constant(gates, 0.3, head=0.3)
    begun = run_from_zero_state(weights, gates, lstm)
    trained = descend(weights, gates, lstm, steps=20)
    assert trained.loss < begun.loss - 1
    assert begun.h[1].any()
    assert spread(trained) < 1e-12
    assert spread(descend(draw_weights(random.Random(1), gates), gates, lstm, steps=20)) > 0.1


@pytest.mark.parametrize("gates", [LSTM, ELMAN])
def test_all_zeros_leave_only_the_output_bias(gates: str, lstm: Run) -> None:
    weights = constant(gates, 0.0, head=0.0)
    run = run_from_zero_state(weights, gates, lstm)
    by_name = gradients(run)
    agree(torch.stack([1 / V - y for y in lstm.y.values()]).sum(0), by_name.pop("head_bias"))
    assert not any(value.any() for value in by_name.values())
    assert not any(gradient(run.loss, x).any() for x in run.x.values())
    trained = descend(weights, gates, lstm, steps=100)
    frequencies = torch.stack(list(lstm.y.values())).mean(0)
    assert (trained.p[1] - frequencies).abs().max() < 0.02
    assert not any(trained.h[t].any() for t in lstm.x)


def test_zero_lstm_under_a_random_head_moves_its_candidate_alone(lstm: Run) -> None:
    run = run_from_zero_state(constant(LSTM, 0.0, head=None), LSTM, lstm)
    by_hidden = {t: run.weights.head.T @ (run.p[t] - run.y[t]) for t in run.x}
    deltas = {
        t: torch.stack([2.0 ** -(later - t + 2) * by_hidden[later] for later in range(t, T + 1)]).sum(0) for t in run.x
    }
    by_name = gradients(run)
    agree(summed_outer(deltas, run.x), by_name.pop("w_g"))
    agree(torch.stack(list(deltas.values())).sum(0), by_name.pop("b_g"))
    assert by_name.pop("head_bias").any()
    assert not any(value.any() for value in by_name.values())


def test_zero_elman_net_under_a_random_head_learns_no_recurrence_at_first(lstm: Run) -> None:
    run = run_from_zero_state(constant(ELMAN, 0.0, head=None), ELMAN, lstm)
    deltas = {k: run.weights.head.T @ (run.p[k] - run.y[k]) for k in run.x}
    by_name = gradients(run)
    agree(summed_outer(deltas, run.x), by_name.pop("w_z"))
    agree(torch.stack(list(deltas.values())).sum(0), by_name.pop("b_z"))
    assert by_name.pop("head_bias").any()
    assert not any(value.any() for value in by_name.values())


def test_clipping_scales_the_whole_gradient(lstm: Run) -> None:
    parameters = [leaf(value) for value in lstm.weights.all().values()]
    by_parameter = [10 * leaf(value).detach() for value in parameters]
    norm = torch.cat([value.flatten() for value in by_parameter]).norm()
    for limit in (1.0, 1e6):
        for parameter, value in zip(parameters, by_parameter, strict=True):
            parameter.grad = value.clone()
        nn.utils.clip_grad_norm_(parameters, limit)
        for parameter, value in zip(parameters, by_parameter, strict=True):
            agree(min(1.0, limit / (norm + 1e-6)) * value, parameter.grad)  # type: ignore[arg-type]


# 6. Fifty steps


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
    return (
        run_elman(weights, x, y, leaf(zeros)) if gates == ELMAN else run_lstm(weights, x, y, leaf(zeros), leaf(zeros))
    )


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
        norms.append(spectral_norm(product(iter(elman_factors(run, LONG, k)))))
        slopes = [(1 - run.h[j] ** 2).max().item() for j in range(k + 1, LONG + 1)]
        bounds.append(math.prod(slopes) * spectral_norm(u) ** n)
    assert all(norm <= bound for norm, bound in zip(norms, bounds, strict=True))
    assert row("Elman net", "–", *(f"{norm:.1e}" for norm in norms)) in TEXT

    direction = u[0].detach()
    agree(direction @ product(iter(elman_factors(run, LONG, 1))), gradient(direction @ run.h[LONG], run.h[1]))
    mean_slope = torch.stack([1 - run.h[t] ** 2 for t in run.x]).mean().item()
    radius = torch.linalg.eigvals(u).abs().max().item()
    assert f"{mean_slope:.2f} × {radius:.2f} = {mean_slope * radius:.2f}" in beside


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


def figures(run: Run, matrices: list[Tensor]) -> list[str]:
    """The mean forget gate and the norms, as the text's table prints them."""
    mean_gate = torch.stack([run.f[t] for t in run.x]).mean()
    return [f"{mean_gate:.2f}", *(f"{spectral_norm(matrix):.1e}" for matrix in matrices)]


def test_reach_of_a_forget_gate(beside: str) -> None:
    for forget_bias in (0.0, 1.0, 5.0):
        cell = nn.LSTMCell(E, H).double()
        load(cell, constant(LSTM, 0.0, head=0.0), LSTM)
        with torch.no_grad():
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


# 7. Formulas that circulate and are wrong


def stacked_w_gradient(run: Run, deltas: Deltas) -> Tensor:
    """∂L/∂W, W_i, W_f, W_g and W_o stacked."""
    return torch.cat([summed_outer(deltas.a[q], run.x) for q in LSTM])


def true_w_gradient(run: Run) -> Tensor:
    return torch.cat([gradient(run.loss, run.weights.w[q]) for q in LSTM])


def test_candidate_is_a_tanh_with_the_slope_of_tanh(lstm: Run, beside: str) -> None:
    one = torch.ones(())
    assert f"tanh 1 = {one.tanh():.3f}, σ(1) = {one.sigmoid():.3f}" in beside
    deltas = lstm_sweep(lstm)
    wrong = {t: deltas.c[t] * lstm.i[t] * lstm.g[t] * (1 - lstm.g[t]) for t in lstm.x}
    off = error(summed_outer(wrong, lstm.x), gradient(lstm.loss, lstm.weights.w["g"]))
    assert f"off by {off:.2f}" in beside


def test_both_ways_back_through_time_are_needed(lstm: Run, beside: str) -> None:
    truth = true_w_gradient(lstm)
    agree(stacked_w_gradient(lstm, lstm_sweep(lstm)), truth)
    ways = {
        "without the product": lstm_sweep(lstm, forget_product=False),
        "without the h path": lstm_sweep(lstm, hidden_path=False),
        "without either": lstm_sweep(lstm, forget_product=False, hidden_path=False),
    }
    for name, deltas in ways.items():
        assert f"{error(stacked_w_gradient(lstm, deltas), truth):.2f} {name}" in beside


def memory_cell(order: str) -> Tensor:
    """The outputs of the nine-step memory cell by nn.LSTM, its gates stacked in this order."""
    rows = {"i": [0, 100, 0, -10], "f": [0, 100, 0, 10], "g": [1, 0, 0, 0], "o": [0, 0, 100, -10]}
    steps = [[1, 0, 0], [3, 1, 0], [2, 0, 0], [4, 1, 0], [2, 0, 0], [1, 0, 1], [3, -1, 0], [6, 1, 0], [1, 0, 1]]
    layer = nn.LSTM(4, 1, bias=False).double()
    layer.load_state_dict(
        {
            "weight_ih_l0": torch.tensor([rows[q] for q in order], dtype=torch.float64),
            "weight_hh_l0": torch.zeros(4, 1, dtype=torch.float64),
        }
    )
    inputs = torch.tensor([[*step, 1] for step in steps], dtype=torch.float64)
    outputs: Tensor = layer(inputs)[0]
    return outputs.flatten().detach()


def test_gate_rows_of_the_memory_cell(beside: str) -> None:
    for order in ("ifgo", "figo"):
        outputs = memory_cell(order)
        assert outputs.round(decimals=3).nonzero().flatten().tolist() == [5, 8]
        assert f"{outputs[5]:.3f} {outputs[8]:.3f} with {', '.join(order)}" in beside
    squashed = [math.tanh(math.tanh(3) + math.tanh(4)), math.tanh(math.tanh(6))]
    assert "{:.3f} {:.3f} with i, f, g, o".format(*squashed) in beside


def test_order_is_all_that_a_product_of_jacobians_needs(elman: Run, beside: str) -> None:
    truth = jacobian(elman.h[T], elman.h[0])
    factors = elman_factors(elman, T, 0)
    agree(product(iter(factors)), truth)
    assert f"reversed, off by {error(product(reversed(factors)), truth):.2f}" in beside


def test_gradient_of_the_input_has_the_weights_in_it(step: Run, beside: str) -> None:
    bare = torch.stack(list(hidden_by_gates(step, 1).values())).sum(0)
    shape = jacobian(step.h[1], step.x[1]).shape
    assert "{} × {} where {} × {} is due".format(*bare.shape, *shape) in beside
    assert f"off by {error(bare, jacobian(step.h[1], step.h[0])):.2f}" in beside


def test_perplexity_is_no_sum(beside: str) -> None:
    for tokens in (6, 12):
        p = torch.full((tokens,), 1 / V, dtype=torch.float64)
        assert f"for {tokens} tokens: {-p.log().sum():.2f}" in beside
        agree((-p.log().mean()).exp(), torch.tensor(float(V), dtype=torch.float64))
    assert f"perplexity {V} for both" in beside


def test_clipping_separates_no_units(lstm: Run, beside: str) -> None:
    zeros = descend(constant(LSTM, 0.0, head=0.0), LSTM, lstm, steps=20, clip=0.5)
    equal = descend(constant(LSTM, 0.3, head=0.3), LSTM, lstm, steps=20, clip=0.5)
    drawn = descend(draw_weights(random.Random(1), LSTM), LSTM, lstm, steps=20, clip=0.5)
    apart = [f"{spread(run):.2f}" for run in (zeros, equal, drawn)]
    assert "{} from zeros, {} from equal weights, {} from drawn ones".format(*apart) in beside


# The text itself


FENCE = re.compile(r"^```math\n(.*?)^```\n(.*?)(?=^```math|\Z)", re.DOTALL | re.MULTILINE)
TEST_LINE = re.compile(r"^Test: (`test_\w+`(?:, `test_\w+`)*)\.?$")


def names_of_tests() -> set[str]:
    """The tests of formulas in this file: all but those of the text."""
    tree = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return {name for name in names if name.startswith("test_") and not name.startswith("test_the_text_")}


def test_the_text_names_a_test_right_after_each_formula() -> None:
    blocks = FENCE.findall(TEXT)
    assert len(blocks) == TEXT.count("```math") > 0
    unnamed = [formula for formula, after in blocks if not TEST_LINE.match(after.lstrip("\n").split("\n")[0])]
    assert not unnamed


def test_the_text_names_the_tests_of_this_file_all_of_them_and_no_others() -> None:
    assert set(re.findall(r"`(test_\w+)`", TEXT)) == names_of_tests()
