"""Which implementation computes an LSTM layer."""

import pytest
import torch

from tang.kernels import lstm, native


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "library", object)
    monkeypatch.setattr(lstm, "cpu_has", lambda feature: False)


@pytest.mark.parametrize(
    ("dtype", "hidden_size", "is_one_call"),
    [
        (torch.bfloat16, 256, True),
        (torch.bfloat16, 257, False),
        (torch.float32, 1024, True),
        (torch.float32, 1025, False),
        (torch.float64, 2, False),
    ],
)
def test_small_layers_take_one_call(dtype: torch.dtype, hidden_size: int, is_one_call: bool) -> None:
    assert lstm._is_one_call(torch.empty(4 * hidden_size, hidden_size, dtype=dtype)) == is_one_call


def test_with_amx_only_smaller_layers_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lstm, "cpu_has", lambda feature: feature == "amx_tile")
    assert lstm._is_one_call(torch.empty(4 * 128, 128, dtype=torch.bfloat16))
    assert not lstm._is_one_call(torch.empty(4 * 129, 129, dtype=torch.bfloat16))
    assert lstm._is_one_call(torch.empty(4 * 256, 256))


def test_no_layer_does_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "library", lambda: None)
    assert not lstm._is_one_call(torch.empty(8, 2))
