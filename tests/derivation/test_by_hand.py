"""Section 6 of docs/derivation.md: two steps by hand: tables are read, weights too, and computed again."""

import re

import pytest
import torch
from torch import Tensor

from tests.derivation.conftest import TEXT
from tests.derivation.descent import gradients
from tests.derivation.nets import LSTM, Run, Weights, gradient, leaf, run_lstm

SECTION = TEXT[TEXT.index("\n## 6.") : TEXT.index("\n## 7.")]
ROW = re.compile(r"^\| \$`(.+?)`\$ \|(.*) \|$", re.MULTILINE)

Table = dict[str, list[str]]


def table(header: str) -> Table:
    """The table whose header begins so: the formula in a row's first cell → what its other cells print."""
    (rows,) = re.findall(rf"^\| {header} \|.*\n\|[-|]+\n((?:\|.*\n)+)", SECTION, re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in ROW.findall(rows)}


def numbers(rows: Table) -> Table:
    """The same without the cells that tell how to compute."""
    return {name: cells[1:] for name, cells in rows.items()}


def given(cell: str) -> Tensor:
    return torch.tensor([float(cell.replace("−", "-"))], dtype=torch.float64).requires_grad_()


def printed(*numbers: Tensor) -> list[str]:
    """As the text prints them: four decimals, no −0.0000."""
    return [f"{number.item():.4f}".replace("-", "−").replace("−0.0000", "0.0000") for number in numbers]


@pytest.fixture
def run() -> Run:
    """The net of the text, E = H = 1 and V = 2, with its two symbols."""
    start = {name: given(cells[0]) for name, cells in table("given").items()}
    gates = {q: [given(cell) for cell in cells] for q, cells in table("gate").items()}
    symbols = [torch.cat([given(cell) for cell in cells]) for cells in table("symbol").values()]
    head, head_bias, *y = map(leaf, torch.stack(symbols).T)
    weights = Weights(
        w={q: leaf(gates[q][0][None]) for q in LSTM},
        u={q: leaf(gates[q][1][None]) for q in LSTM},
        b={q: gates[q][2] for q in LSTM},
        head=leaf(head[:, None]),
        head_bias=head_bias,
    )
    x = {1: start["x_1"], 2: start["x_2"]}
    return run_lstm(weights, x, dict(enumerate(y, 1)), start["h_0"], start["C_0"])


def test_two_steps_forwards(run: Run) -> None:
    nodes = {rf"a^{q}_t": run.a[q] for q in LSTM}
    nodes |= {"i_t": run.i, "f_t": run.f, "g_t": run.g, "o_t": run.o, "C_t": run.c, "h_t": run.h, "L_t": run.losses}
    for symbol in (1, 2):
        nodes[f"v_{{t,{symbol}}}"] = {t: run.v[t][symbol - 1] for t in run.x}
        nodes[f"p_{{t,{symbol}}}"] = {t: run.p[t][symbol - 1] for t in run.x}
    assert numbers(table("forwards")) == {name: printed(node[1], node[2]) for name, node in nodes.items()}
    assert f"is $`L`$ = {printed(run.loss)[0]}<" in SECTION


def test_two_steps_backwards(run: Run) -> None:
    expected: Table = {}

    def expect(name: str, *at: Tensor) -> None:
        expected.setdefault(name, []).extend(printed(*at))

    for t in (2, 1):
        by_logits, own = gradient(run.losses[t], run.v[t]), gradient(run.losses[t], run.h[t])
        by_hidden, by_cell = gradient(run.loss, run.h[t]), gradient(run.loss, run.c[t])
        slope = gradient(run.h[t], run.c[t])
        expect("p_{t,1} - y_{t,1}", by_logits[0])
        expect("p_{t,2} - y_{t,2}", by_logits[1])
        expect(r"W_y^{\top} (p_t - y_t)", own)
        expect(r"\sum_q U_q\, \delta^q_{t+1}", by_hidden - own)
        expect(r"\delta^h_t", by_hidden)
        expect("s_t", slope)
        expect(r"f_{t+1}\, \delta^C_{t+1}", by_cell - slope * by_hidden)
        expect(r"\delta^C_t", by_cell)
        for q in LSTM:
            expect(rf"\delta^{q}_t", gradient(run.loss, run.a[q][t]))
        expect(r"\partial L / \partial x_t", gradient(run.loss, run.x[t]))
    assert numbers(table("backwards")) == expected


def test_two_steps_gradients(run: Run) -> None:
    by_name = gradients(run)
    of_gates = {rf"W_{q},\; U_{q},\; b_{q}": printed(*(by_name[f"{kind}_{q}"] for kind in "wub")) for q in LSTM}
    assert table("gradients of") == of_gates
    assert table("gradients of the head") == {
        r"\partial L / \partial W_y": printed(*by_name["head"]),
        r"\partial L / \partial b_y": printed(*by_name["head_bias"]),
    }
    assert numbers(table("gradients of the initial state")) == {
        r"\partial L / \partial h_0": printed(gradient(run.loss, run.h[0])),
        r"\partial L / \partial C_0": printed(gradient(run.loss, run.c[0])),
    }


def test_a_step_downhill(run: Run) -> None:
    parameters, by_name = run.weights.all(), gradients(run)
    with torch.no_grad():
        for name, by_parameter in by_name.items():
            parameters[name] -= by_parameter
    after = run_lstm(run.weights, run.x, run.y, run.h[0], run.c[0])
    assert f"$`L`$ is {printed(after.loss)[0]}<" in SECTION
