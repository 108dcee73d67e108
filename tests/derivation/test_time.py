"""Section 3 of docs/derivation.md: back through time, in the Elman net and in the LSTM."""

import torch
from torch import Tensor, diag, nn

from tests.derivation.formulas import elman_factors, loss_by_hidden, lstm_sweep, summed_outer
from tests.derivation.nets import (
    ELMAN,
    LSTM,
    E,
    H,
    PerTime,
    Run,
    T,
    agree,
    gradient,
    jacobian,
    load,
    product,
    summed,
    torch_loss,
    unit,
)


def elman_deltas(run: Run, t: int) -> PerTime:
    """δ_{t,k} for k = t … 1."""
    deltas = {t: (1 - run.h[t] ** 2) * loss_by_hidden(run, t)}
    for k in range(t - 1, 0, -1):
        deltas[k] = (1 - run.h[k] ** 2) * (run.weights.u["z"].T @ deltas[k + 1])
    return deltas


def test_elman_recursion(elman: Run) -> None:
    for t in elman.x:
        for k, delta in elman_deltas(elman, t).items():
            agree(delta, gradient(elman.losses[t], elman.a["z"][k]))


def test_elman_weight_gradients_are_double_sums(elman: Run) -> None:
    of_each_loss = [elman_deltas(elman, t) for t in elman.x]
    by_w = summed(summed_outer(deltas, elman.x) for deltas in of_each_loss)
    by_u = summed(summed_outer(deltas, elman.h, shift=1) for deltas in of_each_loss)
    by_b = summed(summed(deltas.values()) for deltas in of_each_loss)
    layer = nn.RNN(E, H).double()
    load(layer, elman.weights, ELMAN, "_l0")
    loss = torch_loss(layer, elman, elman.h[0][None])
    for formula, name in ((by_w, "weight_ih_l0"), (by_u, "weight_hh_l0"), (by_b, "bias_ih_l0"), (by_b, "bias_hh_l0")):
        agree(formula, gradient(loss, layer.get_parameter(name)))


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
            agree(summed(direct_parts), by_autograd[r, c])
            agree(deltas[T] @ recursive_gradient(elman, T, r, c), by_autograd[r, c])


def test_jacobian_through_time_is_an_ordered_product(elman: Run) -> None:
    for k in range(T):
        agree(product(elman_factors(elman, T, k)), jacobian(elman.h[T], elman.h[k]))


def elman_sweep(run: Run) -> PerTime:
    """δ_k = ∂L/∂z_k for k = T … 1."""
    deltas: PerTime = {}
    from_later = torch.zeros(H, dtype=torch.float64)
    for k in reversed(run.x):
        deltas[k] = (1 - run.h[k] ** 2) * (loss_by_hidden(run, k) + from_later)
        from_later = run.weights.u["z"].T @ deltas[k]
    return deltas


def test_one_sweep_sums_over_all_losses(elman: Run) -> None:
    for k, delta in elman_sweep(elman).items():
        agree(summed(elman_deltas(elman, t)[k] for t in range(k, T + 1)), delta)
        agree(delta, gradient(elman.loss, elman.a["z"][k]))


def test_all_steps_in_one_product(elman: Run) -> None:
    deltas = elman_sweep(elman)
    columns = torch.stack([deltas[k] for k in elman.x], dim=1)
    inputs = torch.stack([elman.x[k] for k in elman.x], dim=1)
    previous = torch.stack([elman.h[k - 1] for k in elman.x], dim=1)
    agree(columns @ inputs.T, gradient(elman.loss, elman.weights.w["z"]))
    agree(columns @ previous.T, gradient(elman.loss, elman.weights.u["z"]))
    agree(columns.sum(1), gradient(elman.loss, elman.weights.b["z"]))


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


def test_lstm_weight_gradients(lstm: Run) -> None:
    layer = nn.LSTM(E, H).double()
    load(layer, lstm.weights, LSTM, "_l0")
    loss = torch_loss(layer, lstm, (lstm.h[0][None], lstm.c[0][None]))
    deltas = lstm_sweep(lstm).a
    formulas = {
        "weight_ih_l0": [summed_outer(deltas[q], lstm.x) for q in LSTM],
        "weight_hh_l0": [summed_outer(deltas[q], lstm.h, shift=1) for q in LSTM],
        "bias_ih_l0": [summed(deltas[q].values()) for q in LSTM],
    }
    formulas["bias_hh_l0"] = formulas["bias_ih_l0"]
    for name, blocks in formulas.items():
        agree(torch.cat(blocks), gradient(loss, layer.get_parameter(name)))


def test_lstm_gradients_of_inputs_and_initial_state(lstm: Run) -> None:
    deltas = lstm_sweep(lstm)
    for t in lstm.x:
        by_input = summed(lstm.weights.w[q].T @ deltas.a[q][t] for q in LSTM)
        agree(by_input, gradient(lstm.loss, lstm.x[t]))
    by_hidden = summed(lstm.weights.u[q].T @ deltas.a[q][1] for q in LSTM)
    agree(by_hidden, gradient(lstm.loss, lstm.h[0]))
    agree(lstm.f[1] * deltas.c[1], gradient(lstm.loss, lstm.c[0]))
