"""Section 7 of docs/derivation.md: where to begin, and where not to."""

import random

import pytest
import torch
from torch import nn

from tests.derivation.descent import constant, descend, gradients, spread
from tests.derivation.formulas import loss_by_hidden, summed_outer
from tests.derivation.nets import (
    ELMAN,
    LSTM,
    H,
    Run,
    T,
    V,
    Weights,
    agree,
    draw_weights,
    gradient,
    leaf,
    run_from_zero_state,
    summed,
)


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
    here, there = (run_from_zero_state(each, lstm.x, lstm.y) for each in (weights, permuted))
    agree(there.loss, here.loss)
    before, after = gradients(here), gradients(there)
    for q in gates:
        agree(swap @ before[f"w_{q}"], after[f"w_{q}"])
        agree(swap @ before[f"u_{q}"] @ swap.T, after[f"u_{q}"])
        agree(swap @ before[f"b_{q}"], after[f"b_{q}"])
    agree(before["head"] @ swap.T, after["head"])


@pytest.mark.parametrize("gates", [LSTM, ELMAN])
def test_equal_units_stay_equal(gates: str, lstm: Run) -> None:
    weights = constant(gates, 0.3, head=0.3)
    begun = run_from_zero_state(weights, lstm.x, lstm.y)
    trained = descend(weights, lstm, steps=20)
    assert trained.loss < begun.loss - 1
    assert begun.h[1].any()
    assert spread(trained) < 1e-12
    assert spread(descend(draw_weights(random.Random(1), gates), lstm, steps=20)) > 0.1


@pytest.mark.parametrize("gates", [LSTM, ELMAN])
def test_all_zeros_leave_only_the_output_bias(gates: str, lstm: Run) -> None:
    weights = constant(gates, 0.0, head=0.0)
    run = run_from_zero_state(weights, lstm.x, lstm.y)
    by_name = gradients(run)
    agree(summed(1 / V - y for y in lstm.y.values()), by_name.pop("head_bias"))
    assert not any(value.any() for value in by_name.values())
    assert not any(gradient(run.loss, x).any() for x in run.x.values())
    trained = descend(weights, lstm, steps=100)
    frequencies = torch.stack(list(lstm.y.values())).mean(0)
    assert (trained.p[1] - frequencies).abs().max() < 0.02
    assert not any(trained.h[t].any() for t in lstm.x)


def test_zero_lstm_under_a_random_head_moves_its_candidate_alone(lstm: Run) -> None:
    run = run_from_zero_state(constant(LSTM, 0.0, head=None), lstm.x, lstm.y)
    deltas = {t: summed(2.0 ** -(j - t + 2) * loss_by_hidden(run, j) for j in range(t, T + 1)) for t in run.x}
    by_name = gradients(run)
    agree(summed_outer(deltas, run.x), by_name.pop("w_g"))
    agree(summed(deltas.values()), by_name.pop("b_g"))
    assert by_name.pop("head_bias").any()
    assert not any(value.any() for value in by_name.values())


def test_zero_elman_net_under_a_random_head_learns_no_recurrence_at_first(lstm: Run) -> None:
    run = run_from_zero_state(constant(ELMAN, 0.0, head=None), lstm.x, lstm.y)
    deltas = {k: loss_by_hidden(run, k) for k in run.x}
    by_name = gradients(run)
    agree(summed_outer(deltas, run.x), by_name.pop("w_z"))
    agree(summed(deltas.values()), by_name.pop("b_z"))
    assert by_name.pop("head_bias").any()
    assert not any(value.any() for value in by_name.values())


def test_clipping_scales_the_whole_gradient(lstm: Run) -> None:
    parameters = [leaf(value) for value in lstm.weights.all().values()]
    by_parameter = [10 * value.detach() for value in parameters]
    norm = torch.cat([value.flatten() for value in by_parameter]).norm()
    for limit in (1.0, 1e6):
        for parameter, value in zip(parameters, by_parameter, strict=True):
            parameter.grad = value.clone()
        nn.utils.clip_grad_norm_(parameters, limit)
        for parameter, value in zip(parameters, by_parameter, strict=True):
            agree(min(1.0, limit / (norm + 1e-6)) * value, parameter.grad)  # type: ignore[arg-type]
