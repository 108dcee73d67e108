"""Calls to the compiled functions, and the dtypes that kernels compute in."""

from collections.abc import Callable
from ctypes import c_int64, c_void_p
from functools import partial

import torch
from torch import Tensor

from tang.kernels.library import library

SUFFIXES = {torch.float32: "float32", torch.bfloat16: "bfloat16"}


def is_compiled(tensor: Tensor) -> bool:
    """Whether there are compiled functions for a tensor's device and dtype."""
    return tensor.device.type == "cpu" and tensor.dtype in SUFFIXES and library() is not None


def kernel(name: str, *arguments: Tensor | int) -> Callable[..., None]:
    """The compiled function for the dtype of the first tensor, with its first ``arguments`` bound."""
    first = arguments[0]
    assert isinstance(first, Tensor)
    assert all(not isinstance(argument, Tensor) or argument.is_contiguous() for argument in arguments)
    return partial(
        getattr(library(), f"{name}_{SUFFIXES[first.dtype]}"),
        *(c_void_p(a.data_ptr()) if isinstance(a, Tensor) else c_int64(a) for a in arguments),
    )


def matmul_dtype(tensor: Tensor) -> torch.dtype:
    """Dtype of matmuls with a tensor: autocast's where autocast is on, else the tensor's own."""
    device = tensor.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else tensor.dtype


def accumulation_dtype(dtype: torch.dtype) -> torch.dtype:
    """Dtype of states and reductions next to matmuls in ``dtype``: float32 at least."""
    return torch.promote_types(dtype, torch.float32)
