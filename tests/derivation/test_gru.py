"""Section 5 of docs/derivation.md: the GRU."""

import random
from itertools import permutations

import pytest
import torch
from torch import diag, nn

from tests.derivation.formulas import summed_outer
from tests.derivation.gru import (
    GRU,
    GRURun,
    draw_gru_weights,
    gru_by_parts,
    gru_step_jacobian,
    gru_sweep,
    load_gru,
    run_gru,
)
from tests.derivation.nets import (
    E,
    H,
    T,
    agree,
    draw_sequence,
    error,
    gradient,
    jacobian,
    product,
    summed,
    torch_loss,
    uniform,
)


@pytest.fixture
def gru() -> GRURun:
    rng = random.Random(0)
    return run_gru(draw_gru_weights(rng), *draw_sequence(rng), uniform(rng, H))


def test_gru_equations_are_those_of_gru_cell(gru: GRURun) -> None:
    cell = nn.GRUCell(E, H).double()
    load_gru(cell, gru.weights)
    h = gru.h[0]
    for t in gru.x:
        h = cell(gru.x[t], h)
        agree(gru.h[t], h)


def test_only_the_order_r_z_n_gives_gru_cell(gru: GRURun) -> None:
    cell = nn.GRUCell(E, H).double()
    agreeing = []
    for order in permutations(GRU):
        load_gru(cell, gru.weights, "".join(order))
        if error(cell(gru.x[1], gru.h[0]), gru.h[1]) < 1e-9:
            agreeing.append("".join(order))
    assert agreeing == ["rzn"]


def test_gradient_of_the_gru_candidate_and_update_gate(gru: GRURun) -> None:
    for t in gru.x:
        agree(diag(1 - gru.z[t]), jacobian(gru.h[t], gru.n[t]))
        agree(diag(gru.h[t - 1] - gru.n[t]), jacobian(gru.h[t], gru.z[t]))


def test_gradient_of_the_gru_pre_activations(gru: GRURun) -> None:
    for t in gru.x:
        by = gru_by_parts(gru, t)
        for q in GRU:
            agree(by[q], jacobian(gru.h[t], gru.a[q][t]))
        agree(by["m"], jacobian(gru.h[t], gru.m[t]))


def test_gradient_of_the_gru_previous_hidden_state(gru: GRURun) -> None:
    for t in gru.x:
        agree(gru_step_jacobian(gru, t), jacobian(gru.h[t], gru.h[t - 1]))


def test_gradient_of_the_gru_input(gru: GRURun) -> None:
    for t in gru.x:
        by = gru_by_parts(gru, t)
        agree(summed(by[q] @ gru.weights.w[q] for q in GRU), jacobian(gru.h[t], gru.x[t]))


def test_gru_jacobian_through_time(gru: GRURun) -> None:
    for k in range(T):
        factors = [gru_step_jacobian(gru, j) for j in range(T, k, -1)]
        agree(product(factors), jacobian(gru.h[T], gru.h[k]))


def test_gru_recursion(gru: GRURun) -> None:
    deltas, _ = gru_sweep(gru)
    nodes = {"h": gru.h, "m": gru.m, **gru.a}
    for t in gru.x:
        by = gru_by_parts(gru, t)
        for name in "rznm":
            agree(by[name] @ deltas["h"][t], deltas[name][t])
        for name, node in nodes.items():
            agree(deltas[name][t], gradient(gru.loss, node[t]))


def test_gru_weight_gradients(gru: GRURun) -> None:
    layer = nn.GRU(E, H).double()
    load_gru(layer, gru.weights, suffix="_l0")
    loss = torch_loss(layer, gru, gru.h[0][None])
    deltas, _ = gru_sweep(gru)
    formulas = {
        "weight_ih_l0": [summed_outer(deltas[q], gru.x) for q in "rzn"],
        "weight_hh_l0": [summed_outer(deltas[q], gru.h, shift=1) for q in "rzm"],
        "bias_ih_l0": [summed(deltas[q].values()) for q in "rzn"],
        "bias_hh_l0": [summed(deltas[q].values()) for q in "rzm"],
    }
    for name, blocks in formulas.items():
        agree(torch.cat(blocks), gradient(loss, layer.get_parameter(name)))


def test_gru_gradients_of_inputs_and_initial_state(gru: GRURun) -> None:
    deltas, by_initial_state = gru_sweep(gru)
    for t in gru.x:
        by_input = summed(gru.weights.w[q].T @ deltas[q][t] for q in GRU)
        agree(by_input, gradient(gru.loss, gru.x[t]))
    agree(by_initial_state, gradient(gru.loss, gru.h[0]))
