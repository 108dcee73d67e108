from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from tang.tasks import cross_entropy
from tang.tasks.cross_entropy import linear_cross_entropy, linear_nll

N, H, V = 50, 12, 33
BOUNDS = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 2e-2}  # on max|a − b| ÷ max|b|


@pytest.fixture(autouse=True)
def chunks_of_seven_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cross_entropy.CHUNK, "cpu", 7 * V + 3)


def layer(dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """``hidden`` in a format, the layer's float32 or float64 parameters, targets of which some count for nothing."""
    generator = torch.Generator().manual_seed(0)
    master = torch.promote_types(dtype, torch.float32)
    hidden = torch.randn(N, H, generator=generator).to(dtype).requires_grad_()
    weight = torch.randn(V, H, generator=generator).to(dtype).to(master).requires_grad_()
    bias = torch.randn(V, generator=generator).to(dtype).to(master).requires_grad_()
    targets = torch.randint(0, V, (N,), generator=generator)
    targets[::9] = 0
    return hidden, weight, bias, targets


@pytest.mark.parametrize("dtype", BOUNDS, ids=str)
def test_loss_and_gradients_are_those_of_the_full_logits(dtype: torch.dtype) -> None:
    hidden, weight, bias, targets = layer(dtype)
    loss = linear_cross_entropy(hidden, weight, bias, targets, ignored=0)
    (loss / 40).backward()
    exact = [tensor.detach().double().requires_grad_() for tensor in (hidden, weight, bias)]
    wanted = F.cross_entropy(F.linear(*exact), targets, ignore_index=0, reduction="sum")
    (wanted / 40).backward()
    assert loss.dtype == weight.dtype
    torch.testing.assert_close(loss.double(), wanted, rtol=BOUNDS[dtype], atol=0)
    for found, right in zip((hidden, weight, bias), exact, strict=True):
        assert found.grad is not None
        assert right.grad is not None
        assert found.grad.dtype == found.dtype
        difference = (found.grad.double() - right.grad).abs().max() / right.grad.abs().max()
        assert difference <= BOUNDS[dtype], difference
    assert (hidden.grad[targets == 0] == 0).all()  # type: ignore[index]


@pytest.mark.parametrize("dtype", BOUNDS, ids=str)
def test_nll_of_each_target(dtype: torch.dtype) -> None:
    hidden, weight, bias, targets = layer(dtype)
    wanted = F.cross_entropy(F.linear(hidden.double(), weight.double(), bias.double()), targets, reduction="none")
    found = linear_nll(hidden, weight, bias, targets, ignored=0)
    assert not found.requires_grad
    torch.testing.assert_close(found.double(), wanted.detach() * (targets != 0), rtol=BOUNDS[dtype], atol=BOUNDS[dtype])


def test_the_logits_of_all_positions_never_exist() -> None:
    elements: list[int] = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            if isinstance(result, Tensor):
                elements.append(result.numel())
            return result

    with Watch():  # type: ignore[no-untyped-call]
        linear_cross_entropy(*layer(torch.float32), 0).backward()
    assert 0 < max(elements) <= max(N * H, V * H) < N * V


def test_gradients_pass_gradcheck() -> None:
    hidden, weight, bias, targets = layer(torch.float64)
    assert torch.autograd.gradcheck(
        lambda *others: linear_cross_entropy(others[0], others[1], others[2], targets, 0), (hidden, weight, bias)
    )


def test_under_autocast_products_are_in_its_format() -> None:
    hidden, weight, bias, targets = layer(torch.float32)
    exact = linear_nll(hidden, weight, bias, targets, 0)
    with torch.autocast("cpu", torch.bfloat16):
        low = linear_nll(hidden, weight, bias, targets, 0)
        loss = linear_cross_entropy(hidden, weight, bias, targets, 0)
    assert not torch.equal(low, exact)
    torch.testing.assert_close(low, linear_nll(hidden.bfloat16(), weight, bias, targets, 0))
    torch.testing.assert_close(loss, low.sum())
