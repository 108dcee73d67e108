"""Which of the ways through time a layer takes."""

import pytest
import torch

from tang.kernels import lstm, native


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "library", object)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)


@pytest.mark.parametrize(
    ("dtype", "hidden_size", "at_once"),
    [
        (torch.bfloat16, 256, True),
        (torch.bfloat16, 257, False),
        (torch.float32, 1024, True),
        (torch.float32, 1025, False),
        (torch.float64, 2, False),
    ],
)
def test_small_layers_go_at_once(dtype: torch.dtype, hidden_size: int, at_once: bool) -> None:
    assert lstm._at_once(torch.empty(4 * hidden_size, hidden_size, dtype=dtype)) == at_once


def test_beside_tiles_only_smaller_ones_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    assert lstm._at_once(torch.empty(4 * 128, 128, dtype=torch.bfloat16))
    assert not lstm._at_once(torch.empty(4 * 129, 129, dtype=torch.bfloat16))
    assert lstm._at_once(torch.empty(4 * 256, 256))


def test_none_does_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "library", lambda: None)
    assert not lstm._at_once(torch.empty(8, 2))
