"""Calls of the compiled functions."""

from collections.abc import Callable
from ctypes import c_int64, c_void_p
from functools import partial

import torch
from torch import Tensor

from tang.kernels.library import library

FORMATS = {torch.float32: "float32", torch.bfloat16: "bfloat16"}


def is_compiled(tensor: Tensor) -> bool:
    """Whether there are compiled functions for a tensor's device and format."""
    return tensor.device.type == "cpu" and tensor.dtype in FORMATS and library() is not None


def compiled(name: str, *arguments: Tensor | int) -> Callable[..., None]:
    """The compiled function for the format of the first tensor, with its first ``arguments``."""
    first = arguments[0]
    assert isinstance(first, Tensor)
    assert all(not isinstance(argument, Tensor) or argument.is_contiguous() for argument in arguments)
    return partial(
        getattr(library(), f"{name}_{FORMATS[first.dtype]}"),
        *(c_void_p(a.data_ptr()) if isinstance(a, Tensor) else c_int64(a) for a in arguments),
    )


def format_of_products(tensor: Tensor) -> torch.dtype:
    """What matrix products with a tensor are to be computed in: autocast's format where it is on, else its own."""
    device = tensor.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else tensor.dtype


def format_of_sums(products: torch.dtype) -> torch.dtype:
    """What is kept and added up beside products in a format: float32 at least."""
    return torch.promote_types(products, torch.float32)
