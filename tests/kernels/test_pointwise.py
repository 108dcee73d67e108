"""The compiled functions and PyTorch's passes against PyTorch's own in float64."""

import pytest
import torch
import torch.nn.functional as F

from tang.kernels import pointwise
from tests.kernels.conftest import assert_near, drawn, wide

B, V = 5, 37  # nothing that a vector register divides


def test_a_nan_stays_one(dtype: torch.dtype) -> None:
    logits = torch.zeros(2, V, dtype=dtype)
    logits[0, 3] = torch.nan
    nll = torch.zeros(2, dtype=wide(dtype))
    pointwise.cross_entropy(logits, torch.tensor([1, 1]), nll, ignored=0)
    for found in (nll, logits.sum(1)):
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


def test_a_target_that_is_none_is_refused(dtype: torch.dtype) -> None:
    for target in (-1, V):
        with pytest.raises((IndexError, RuntimeError), match=r"targets from|out of bounds"):
            pointwise.cross_entropy(
                torch.zeros(1, V, dtype=dtype), torch.tensor([target]), torch.zeros(1, dtype=wide(dtype)), ignored=0
            )


def test_large_logits_do_not_overflow(dtype: torch.dtype) -> None:
    logits = torch.tensor([[3e4, -3e4, 0.0]], dtype=dtype)
    nll = torch.empty(1, dtype=wide(dtype))
    pointwise.cross_entropy(logits, torch.tensor([1]), nll, ignored=0)
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
    numbers, _ = drawn(B, V, dtype=dtype)
    assert torch.equal(pointwise.dropout(numbers, 0.5, training=False), numbers)
