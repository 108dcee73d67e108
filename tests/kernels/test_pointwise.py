"""The compiled functions and PyTorch's passes against autograd in float64."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tang.kernels import pointwise
from tang.kernels.library import library

T, B, H, V = 3, 5, 19, 37  # nothing that a vector register divides
BOUNDS = {torch.float64: 1e-12, torch.float32: 2e-6, torch.bfloat16: 1e-2}
"""Of max|a − b| ÷ max|b|; bfloat16 has eight bits, so that rounding alone makes 4e-3."""

WAYS = [("passes", dtype) for dtype in BOUNDS] + [("compiled", dtype) for dtype in (torch.float32, torch.bfloat16)]


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]}-{way[1]}")
def dtype(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The formats, with the compiled functions and without."""
    way, dtype = request.param
    if way == "passes":
        monkeypatch.setattr(pointwise, "library", lambda: None)
    elif library() is None:
        pytest.skip("no C++ compiler here")
    return dtype


def assert_near(found: Tensor, wanted: Tensor, dtype: torch.dtype) -> None:
    difference = (found.double() - wanted).abs().max() / wanted.abs().max()
    assert difference <= BOUNDS[dtype], difference


def drawn(*shape: int, dtype: torch.dtype, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    """Normal numbers in a format, and the same in float64."""
    numbers = (scale * torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))).to(dtype)
    return numbers, numbers.double().clone()


def wide(dtype: torch.dtype) -> torch.dtype:
    return torch.promote_types(dtype, torch.float32)


def test_a_step_and_its_gradients_are_the_equations(dtype: torch.dtype) -> None:
    gates, z = drawn(T, B, 4 * H, dtype=dtype, scale=2.0)
    cell, c = drawn(T + 1, B, H, dtype=wide(dtype))
    hidden = torch.zeros(T + 1, B, H, dtype=dtype)
    d_outputs, from_above = drawn(T, B, H, dtype=dtype)
    d_hidden, from_h = drawn(B, H, dtype=dtype, scale=0.5)
    d_cell, from_c = drawn(B, H, dtype=wide(dtype), scale=0.7)
    t = 1
    z_t, c_t = z[t].clone().requires_grad_(), c[t].clone().requires_grad_()
    i, f, g, o = z_t.chunk(4, dim=1)
    c_next = f.sigmoid() * c_t + i.sigmoid() * g.tanh()
    h_next = o.sigmoid() * c_next.tanh()
    (h_next * (from_above[t] + from_h)).sum().backward(retain_graph=True)
    (c_next * from_c).sum().backward()

    others = [part.clone() for part in (gates[0], gates[2], cell[:2], cell[3:])]
    pointwise.lstm_forward(gates, cell, hidden)(t)
    assert all(map(torch.equal, others, (gates[0], gates[2], cell[:2], cell[3:]))), "other steps are left alone"
    assert_near(cell[t + 1], c_next.detach(), dtype)
    assert_near(hidden[t + 1], h_next.detach(), dtype)

    d_z = torch.empty_like(gates)
    pointwise.lstm_backward(gates, cell, d_outputs, d_hidden, d_cell, d_z)(t)
    assert z_t.grad is not None
    assert c_t.grad is not None
    assert_near(d_z[t], z_t.grad, dtype)
    assert_near(d_cell, c_t.grad, dtype)


def test_gates_saturate_without_a_nan(dtype: torch.dtype) -> None:
    gates = torch.tensor([-1e4, -90.0, -1e-4, 0.0, 1e-4, 90.0, 1e4], dtype=dtype).repeat(4).view(1, 1, -1)
    z = gates.double().view(4, -1).clone()
    cell, hidden = torch.ones(2, 1, 7, dtype=wide(dtype)), torch.ones(2, 1, 7, dtype=dtype)
    pointwise.lstm_forward(gates, cell, hidden)(0)
    for row, (found, activation) in enumerate(zip(gates.view(4, -1), [torch.sigmoid] * 2 + [torch.tanh], strict=False)):
        torch.testing.assert_close(found.double(), activation(z[row]), rtol=BOUNDS[dtype], atol=1e-30)


def test_a_nan_stays_one(dtype: torch.dtype) -> None:
    gates = torch.zeros(1, 2, 4 * H, dtype=dtype)
    gates[0, 0, 0] = torch.nan
    cell, hidden = torch.zeros(2, 2, H, dtype=wide(dtype)), torch.zeros(2, 2, H, dtype=dtype)
    pointwise.lstm_forward(gates, cell, hidden)(0)
    logits = torch.zeros(2, V, dtype=dtype)
    logits[0, 3] = torch.nan
    nll = torch.zeros(2, dtype=wide(dtype))
    pointwise.cross_entropy(logits, torch.tensor([1, 1]), nll, ignored=0)
    for found in (hidden[1].sum(1), nll, logits.sum(1)):
        assert found.isnan().tolist() == [True, False]


def test_cross_entropy_and_its_gradient_are_pytorchs(dtype: torch.dtype) -> None:
    logits, exact = drawn(B, V, dtype=dtype, scale=4.0)
    exact.requires_grad_()
    targets = torch.tensor([1, V - 1, 0, 7, 0])
    wanted = F.cross_entropy(exact, targets, ignore_index=0, reduction="none")
    wanted.sum().backward()
    nll = torch.empty(B, dtype=wide(dtype))
    pointwise.cross_entropy(logits, targets, nll, ignored=0)
    assert exact.grad is not None
    assert_near(nll, wanted.detach(), dtype=nll.dtype)
    assert_near(logits, exact.grad, dtype)
    assert (logits[[2, 4]] == 0).all(), "ignored targets contribute nothing"


def test_large_logits_do_not_overflow(dtype: torch.dtype) -> None:
    logits = torch.tensor([[3e4, -3e4, 0.0]], dtype=dtype)
    nll = torch.empty(1, dtype=wide(dtype))
    pointwise.cross_entropy(logits, torch.tensor([1]), nll, ignored=-1)
    assert nll.item() == pytest.approx(6e4, rel=1e-2)
    assert logits[0].tolist() == pytest.approx([1.0, -1.0, 0.0], abs=1e-30)


def test_dropout_drops_its_share_and_scales_the_rest(dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    ones = torch.ones(1000, 100, dtype=dtype, requires_grad=True)
    dropped = pointwise.dropout(ones, 0.2, training=True)
    kept = (dropped != 0).double()
    assert kept.mean() == pytest.approx(0.8, abs=0.005)  # four deviations
    assert kept.mean(0).std() == pytest.approx(0.4 / 1000**0.5, rel=0.3)
    assert kept.mean(1).std() == pytest.approx(0.4 / 100**0.5, rel=0.1)
    assert dropped.max().item() == pytest.approx(1.25, rel=4e-3)
    dropped.sum().backward()
    assert ones.grad is not None
    assert torch.equal(ones.grad, dropped.detach()), "the same elements are dropped on the way back"
    torch.manual_seed(1)
    assert torch.equal(pointwise.dropout(ones, 0.2, training=True), dropped)
    assert not torch.equal(pointwise.dropout(ones, 0.2, training=True), dropped)


def test_dropout_is_nothing_outside_training(dtype: torch.dtype) -> None:
    numbers, _ = drawn(B, H, dtype=dtype)
    assert torch.equal(pointwise.dropout(numbers, 0.5, training=False), numbers)
