"""The layer forward and backward in its three implementations, against autograd in float64."""

import pytest
import torch

from tang.kernels import lstm
from tests.kernels.conftest import BOUNDS, COMPILED, WAYS, assert_near, drawn, named, wide

pytestmark = pytest.mark.parametrize(
    "dtype", [*WAYS, *(("steps", dtype) for dtype in COMPILED)], indirect=True, ids=named
)

T, H = 4, 19  # nothing that a vector register divides


@pytest.mark.parametrize(
    "batch", [1, 8, 23]
)  # compiled, rows go in blocks of 8 or 4, and the rest in blocks of 4, 2 and 1
def test_states_and_gradients_are_the_equations(dtype: torch.dtype, batch: int) -> None:
    gates, z = drawn(T, batch, 4 * H, dtype=dtype, scale=2.0)
    weight, w = drawn(4 * H, H, dtype=dtype, scale=0.3)
    cell, c = drawn(T + 1, batch, H, dtype=wide(dtype))
    hidden, h = drawn(T + 1, batch, H, dtype=dtype, scale=0.5)
    d_outputs, from_above = drawn(T, batch, H, dtype=dtype)
    d_hidden, from_h = drawn(batch, H, dtype=dtype, scale=0.5)
    d_cell, from_c = drawn(batch, H, dtype=wide(dtype), scale=0.7)
    z.requires_grad_()
    h_0, c_0 = h[0].clone().requires_grad_(), c[0].clone().requires_grad_()
    outputs, states = [h_0], [c_0]
    for z_t in z:
        i, f, g, o = (z_t + outputs[-1] @ w.T).chunk(4, dim=1)
        states.append(f.sigmoid() * states[-1] + i.sigmoid() * g.tanh())
        outputs.append(o.sigmoid() * states[-1].tanh())
    seen = (torch.stack(outputs[1:]) * from_above).sum() + (outputs[-1] * from_h).sum() + (states[-1] * from_c).sum()
    d_z, d_h_0, d_c_0 = torch.autograd.grad(seen, (z, h_0, c_0))

    lstm.forward(gates, weight, cell, hidden)
    assert_near(cell, torch.stack(states).detach(), dtype)
    assert_near(hidden, torch.stack(outputs).detach(), dtype)
    assert_near(lstm.backward(gates, weight, cell, d_outputs, d_hidden, d_cell), d_z, dtype)
    assert_near(d_hidden, d_h_0, dtype)
    assert_near(d_cell, d_c_0, dtype)


def test_gates_saturate_without_a_nan(dtype: torch.dtype) -> None:
    gates = torch.tensor([-1e4, -90.0, -1e-4, 0.0, 1e-4, 90.0, 1e4], dtype=dtype).repeat(4).view(1, 1, -1)
    z = gates.double().view(4, -1).clone()
    weight = torch.zeros(28, 7, dtype=dtype)
    cell, hidden = torch.ones(2, 1, 7, dtype=wide(dtype)), torch.ones(2, 1, 7, dtype=dtype)
    lstm.forward(gates, weight, cell, hidden)
    for row, activation in enumerate((torch.sigmoid, torch.sigmoid, torch.tanh, torch.sigmoid)):
        torch.testing.assert_close(
            gates[0, 0].view(4, -1)[row].double(), activation(z[row]), rtol=BOUNDS[dtype], atol=1e-30
        )


def test_a_nan_stays_in_its_row(dtype: torch.dtype) -> None:
    gates, _ = drawn(2, 9, 4 * H, dtype=dtype)
    weight, _ = drawn(4 * H, H, dtype=dtype)
    gates[0, 3, 0] = torch.nan
    cell, hidden = torch.zeros(3, 9, H, dtype=wide(dtype)), torch.zeros(3, 9, H, dtype=dtype)
    lstm.forward(gates, weight, cell, hidden)
    assert hidden[2].isnan().any(1).tolist() == [row == 3 for row in range(9)]


def test_a_row_does_not_depend_on_its_batch(dtype: torch.dtype) -> None:
    gates, _ = drawn(T, 11, 4 * H, dtype=dtype)
    weight, _ = drawn(4 * H, H, dtype=dtype, scale=0.3)
    outputs = []
    for rows in (slice(0, 11), slice(2, 5)):
        part = gates[:, rows].clone()
        cell = torch.zeros(T + 1, part.shape[1], H, dtype=wide(dtype))
        hidden = torch.zeros(T + 1, part.shape[1], H, dtype=dtype)
        lstm.forward(part, weight, cell, hidden)
        outputs.append(hidden)
    assert_near(outputs[1], outputs[0][:, 2:5].double(), dtype)
