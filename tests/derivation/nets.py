"""The nets whose gradients docs/derivation.md derives, run forward, and what the tests ask autograd.

The text names the test beside each formula; the test evaluates the formula as it stands there and holds it against
autograd. Names are the text's own, but in lower case: C is ``c``, W_q is ``w["q"]``. Time counts from 1 as in the
text, with ``h[0]`` and ``c[0]`` the initial state.
"""

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F

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
    v: PerTime = field(default_factory=dict)
    p: PerTime = field(default_factory=dict)
    losses: PerTime = field(default_factory=dict)

    @property
    def loss(self) -> Tensor:
        return summed(self.losses.values())


def uniform(rng: random.Random, *shape: int, bound: float = 1.0) -> Tensor:
    """Numbers in ±bound, the same ones with every version of Python and PyTorch."""
    numbers = [rng.uniform(-bound, bound) for _ in range(math.prod(shape))]
    return torch.tensor(numbers, dtype=torch.float64).reshape(shape).requires_grad_()


def draw_weights(rng: random.Random, gates: str) -> Weights:
    return Weights(
        w={q: uniform(rng, H, E) for q in gates},
        u={q: uniform(rng, H, H) for q in gates},
        b={q: uniform(rng, H) for q in gates},
        head=uniform(rng, V, H),
        head_bias=uniform(rng, V),
    )


def draw_sequence(rng: random.Random) -> tuple[PerTime, PerTime]:
    """Inputs x_1 … x_T and one-hot targets y_1 … y_T."""
    one_hot = torch.eye(V, dtype=torch.float64)
    return {t: uniform(rng, E) for t in range(1, T + 1)}, {t: one_hot[rng.randrange(V)] for t in range(1, T + 1)}


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


def read_out(run: Run, t: int) -> None:
    run.v[t] = run.weights.head @ run.h[t] + run.weights.head_bias
    run.p[t] = run.v[t].softmax(0)
    run.losses[t] = -(run.y[t] * run.p[t].log()).sum()


def run_from_zero_state(weights: Weights, x: PerTime, y: PerTime) -> Run:
    """The net that has these weights, whichever it is."""
    zeros = torch.zeros(weights.head.shape[1], dtype=torch.float64)
    return run_elman(weights, x, y, zeros) if ELMAN in weights.w else run_lstm(weights, x, y, zeros, zeros)


def load(module: nn.Module, weights: Weights, order: Sequence[str], suffix: str = "") -> None:
    """Fills PyTorch's four parameters of a layer, the gates stacked in this order."""
    stacked = {
        f"weight_ih{suffix}": torch.cat([weights.w[q] for q in order]),
        f"weight_hh{suffix}": torch.cat([weights.u[q] for q in order]),
        f"bias_ih{suffix}": torch.cat([0.25 * weights.b[q] for q in order]),
        f"bias_hh{suffix}": torch.cat([0.75 * weights.b[q] for q in order]),
    }
    module.load_state_dict(stacked)


def torch_loss(layer: nn.Module, run: Run, state: Tensor | tuple[Tensor, Tensor]) -> Tensor:
    """The run's loss with PyTorch's own layer and cross-entropy."""
    outputs, _ = layer(torch.stack(list(run.x.values())), state)
    logits = F.linear(outputs, run.weights.head, run.weights.head_bias)
    return F.cross_entropy(logits, torch.stack([y.argmax() for y in run.y.values()]), reduction="sum")


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


def summed(terms: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(terms)).sum(0)


def product(factors: Iterable[Tensor]) -> Tensor:
    """The factors multiplied from left to right as they come."""
    return reduce(torch.matmul, factors)


def unit(r: int) -> Tensor:
    return torch.eye(H, dtype=torch.float64)[r]
