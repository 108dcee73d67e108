import pytest
import torch
import torch.nn.functional as F

from tang.kernels.linear import linear


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("low", [False, True])
def test_it_equals_pytorchs_in_values_gradients_and_dtype(dtype: torch.dtype, low: bool) -> None:
    torch.manual_seed(0)
    x, weight, bias = (torch.randn(shape, dtype=dtype, requires_grad=True) for shape in ((5, 20), (40, 20), (40,)))
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        ours, theirs = linear(x, weight, bias), F.linear(x, weight, bias)
    torch.testing.assert_close(ours, theirs)
    weights = torch.randn_like(theirs)
    for gradient, wanted in zip(
        *(torch.autograd.grad((y * weights).sum(), (x, weight, bias)) for y in (ours, theirs)), strict=True
    ):
        torch.testing.assert_close(gradient, wanted)
