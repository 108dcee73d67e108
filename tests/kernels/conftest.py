"""The dtypes, and the implementations that compute in them."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tang.kernels import lstm, native
from tang.kernels.library import library

BOUNDS = {torch.float64: 1e-12, torch.float32: 2e-6, torch.bfloat16: 1e-2}
"""Bounds on max|a − b| ÷ max|b|; bfloat16 has eight bits, so that rounding alone makes 4e-3."""

COMPILED = (torch.float32, torch.bfloat16)
WAYS = [*(("passes", dtype) for dtype in BOUNDS), *(("compiled", dtype) for dtype in COMPILED)]


def named(way: tuple[str, torch.dtype]) -> str:
    return f"{way[0]}-{way[1]}"


@pytest.fixture(params=WAYS, ids=named)
def dtype(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The dtypes, with the compiled functions and without."""
    way, dtype = request.param
    if way == "passes":
        monkeypatch.setattr(native, "library", lambda: None)
    elif library() is None:
        pytest.skip("no C++ compiler here")
    elif way == "steps":
        monkeypatch.setattr(lstm, "_is_one_call", lambda weight: False)
    return dtype


def assert_near(found: Tensor, wanted: Tensor, dtype: torch.dtype) -> None:
    difference = (found.double() - wanted).abs().max() / wanted.abs().max()
    assert difference <= BOUNDS[dtype], difference


def drawn(*shape: int, dtype: torch.dtype, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    """Normal numbers in a dtype, and the same numbers in float64."""
    numbers = (scale * torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))).to(dtype)
    return numbers, numbers.double().clone()


def wide(dtype: torch.dtype) -> torch.dtype:
    return torch.promote_types(dtype, torch.float32)
