"""Section 9 of docs/derivation.md: how far off the formulas are that circulate and are wrong."""

import math
import random

import torch
from torch import Tensor, nn

from tests.derivation.descent import constant, descend, spread
from tests.derivation.formulas import Deltas, elman_factors, hidden_by_gates, lstm_sweep, summed_outer
from tests.derivation.nets import LSTM, Run, T, V, agree, draw_weights, error, gradient, jacobian, product, summed


def stacked_w_gradient(run: Run, deltas: Deltas) -> Tensor:
    """∂L/∂W, W_i, W_f, W_g and W_o stacked."""
    return torch.cat([summed_outer(deltas.a[q], run.x) for q in LSTM])


def test_candidate_is_a_tanh_with_the_slope_of_tanh(lstm: Run, beside: str) -> None:
    one = torch.ones(())
    assert f"tanh 1 = {one.tanh():.3f}, σ(1) = {one.sigmoid():.3f}" in beside
    deltas = lstm_sweep(lstm)
    wrong = {t: deltas.c[t] * lstm.i[t] * lstm.g[t] * (1 - lstm.g[t]) for t in lstm.x}
    off = error(summed_outer(wrong, lstm.x), gradient(lstm.loss, lstm.weights.w["g"]))
    assert f"off by {off:.2f}" in beside


def test_both_ways_back_through_time_are_needed(lstm: Run, beside: str) -> None:
    truth = torch.cat([gradient(lstm.loss, lstm.weights.w[q]) for q in LSTM])
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
    agree(product(factors), truth)
    assert f"reversed, off by {error(product(reversed(factors)), truth):.2f}" in beside


def test_gradient_of_the_input_has_the_weights_in_it(step: Run, beside: str) -> None:
    bare = summed(hidden_by_gates(step, 1).values())
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
    zeros = descend(constant(LSTM, 0.0, head=0.0), lstm, steps=20, clip=0.5)
    equal = descend(constant(LSTM, 0.3, head=0.3), lstm, steps=20, clip=0.5)
    drawn = descend(draw_weights(random.Random(1), LSTM), lstm, steps=20, clip=0.5)
    apart = [f"{spread(run):.2f}" for run in (zeros, equal, drawn)]
    assert "{} from zeros, {} from equal weights, {} from drawn ones".format(*apart) in beside
