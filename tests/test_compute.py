import pytest
import torch

from tang import compute
from tang.compute import choose


@pytest.mark.parametrize(
    ("backend", "precision", "cell", "backend_chosen", "precision_chosen"),
    [
        ("auto", None, "lstm", "bptt", "bf16-mixed"),
        ("auto", "bf16-mixed", "lstm", "bptt", "bf16-mixed"),
        ("auto", "32-true", "lstm", "torch", "32-true"),
        ("auto", None, "gru", "torch", "32-true"),
        ("bptt", None, "lstm", "bptt", "32-true"),
        ("torch", None, "lstm", "torch", "32-true"),
        ("torch", "bf16-mixed", "lstm", "torch", "bf16-mixed"),
    ],
)
def test_a_cpu_with_bfloat16_units(
    monkeypatch: pytest.MonkeyPatch, backend: str, precision: str, cell: str, backend_chosen: str, precision_chosen: str
) -> None:
    monkeypatch.setattr(compute, "has_bf16_units", lambda: True)
    choice = choose("cpu", backend, precision, cell)
    assert (choice.accelerator, choice.backend, choice.precision) == ("cpu", backend_chosen, precision_chosen)


@pytest.mark.parametrize("precision", [None, "32-true", "bf16-mixed"])
def test_a_cpu_without_them(monkeypatch: pytest.MonkeyPatch, precision: str | None) -> None:
    monkeypatch.setattr(compute, "has_bf16_units", lambda: False)
    choice = choose("cpu", "auto", precision, "lstm")
    assert (choice.backend, choice.precision) == ("torch", precision or "32-true")
    assert "without bfloat16 units" in choice.reason


@pytest.mark.parametrize("has_units", [True, False])
def test_a_gpu(monkeypatch: pytest.MonkeyPatch, has_units: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "some GPU")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has_units)
    choice = choose("auto", "auto", None, "lstm")
    assert choice.accelerator == "cuda"
    assert choice.backend == "torch"
    assert choice.precision == ("bf16-mixed" if has_units else "32-true")
    assert choose("cpu", "torch", None, "lstm").accelerator == "cpu", "what is given stays"


def test_apples_gpu_must_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose("auto", "torch", None, "lstm").accelerator == "cpu"
    asked = choose("mps", "auto", None, "lstm")
    assert (asked.accelerator, asked.backend, asked.precision) == ("mps", "torch", "32-true")
