"""Section 0 of docs/derivation.md: the nets are PyTorch's, and derivatives are laid out as the text says."""

import random
from itertools import permutations

import torch
from torch import diag, nn

from tests.derivation.nets import ELMAN, LSTM, E, H, Run, agree, error, gradient, jacobian, load, summed, uniform


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
        load(cell, lstm.weights, order)
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
    agree(summed(torch.outer(delta, x) for delta, x in zip(deltas, rows, strict=True)), deltas.T @ rows)
    agree(deltas.T @ rows, gradient(loss, weight))


def test_slopes_of_sigmoid_and_tanh() -> None:
    a = uniform(random.Random(0), H, bound=3.0)
    agree(diag(a.sigmoid() * (1 - a.sigmoid())), jacobian(a.sigmoid(), a))
    agree(diag(1 - a.tanh() ** 2), jacobian(a.tanh(), a))
