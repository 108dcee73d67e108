"""x Wᵀ + b by the fastest library available."""

import torch
import torch.nn.functional as F
from torch import Tensor


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """``F.linear`` (N, in) → (N, out), computed by oneDNN in float32 on a CPU.

    PyTorch hands float32 matmuls to MKL, which takes two to three times as long on a CPU that isn't Intel's, and those
    in bfloat16 to oneDNN anyway. Where gradients are needed this is ``F.linear`` itself, which can be differentiated
    twice.
    """
    is_float32 = x.dtype == torch.float32 and not torch.is_autocast_enabled(x.device.type)
    if is_float32 and x.device.type == "cpu" and torch.backends.mkldnn.is_available() and not torch.is_grad_enabled():
        return F.linear(x.to_mkldnn(), weight, bias).to_dense()
    return F.linear(x, weight, bias)
