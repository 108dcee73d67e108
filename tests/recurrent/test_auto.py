import pytest
import torch

from tang.errors import InputError
from tang.kernels import hardware as facts
from tang.recurrent import auto as module
from tang.recurrent.auto import resolve_auto


@pytest.mark.parametrize(
    ("backend", "precision", "cell", "backend_chosen", "precision_chosen"),
    [
        ("auto", None, "lstm", "bptt", "bf16-mixed"),
        ("auto", "bf16-mixed", "lstm", "bptt", "bf16-mixed"),
        ("auto", "32-true", "lstm", "torch", "32-true"),
        ("auto", "16-mixed", "lstm", "bptt", "bf16-mixed"),
        ("auto", "bf16-true", "lstm", "torch", "bf16-true"),
        ("auto", None, "gru", "torch", "32-true"),
        ("auto", "bf16", "gru", "torch", "bf16-mixed"),
        ("bptt", None, "lstm", "bptt", "32-true"),
        ("torch", None, "lstm", "torch", "32-true"),
        ("torch", "bf16-mixed", "lstm", "torch", "bf16-mixed"),
        ("bptt", "16", "lstm", "bptt", "bf16-mixed"),
    ],
)
def test_a_cpu_with_bfloat16_units(
    monkeypatch: pytest.MonkeyPatch, backend: str, precision: str, cell: str, backend_chosen: str, precision_chosen: str
) -> None:
    monkeypatch.setattr(module, "has_bf16_units", lambda: True)
    monkeypatch.setattr(module, "torch_trains_lstm", lambda precision: True)
    choice = resolve_auto("cpu", backend, precision, cell)
    assert (choice.accelerator, choice.backend, choice.precision) == ("cpu", backend_chosen, precision_chosen)


@pytest.mark.parametrize(
    ("precision", "backend_chosen"),
    [(None, "torch"), ("32-true", "torch"), ("64", "torch"), ("bf16-mixed", "bptt"), ("bf16-true", "bptt")],
)
def test_a_cpu_without_them(monkeypatch: pytest.MonkeyPatch, precision: str | None, backend_chosen: str) -> None:
    monkeypatch.setattr(module, "has_bf16_units", lambda: False)
    monkeypatch.setattr(module, "torch_trains_lstm", lambda precision: False)
    choice = resolve_auto("cpu", "auto", precision, "lstm")
    assert choice.backend == backend_chosen, "PyTorch's own LSTM has no bfloat16 there"
    assert choice.precision == {None: "32-true", "64": "64-true"}.get(precision, precision)
    assert "without bfloat16 units" in choice.reason


def test_a_backend_that_cannot_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "torch_trains_lstm", lambda precision: False)
    with pytest.raises(InputError, match=r"^model\.backend=torch: PyTorch's own LSTM can't .*precision=bf16 on"):
        resolve_auto("cpu", "torch", "bf16", "lstm")
    assert resolve_auto("cpu", "torch", "bf16", "gru").precision == "bf16-mixed"
    assert resolve_auto("mps", "torch", "bf16", "lstm").precision == "bf16-mixed"


def test_the_units_are_tried_without_touching_the_random_numbers() -> None:
    before = torch.get_rng_state()
    facts.torch_trains_lstm.cache_clear()
    with torch.inference_mode():
        assert facts.torch_trains_lstm("32-true")
    assert torch.equal(torch.get_rng_state(), before)


def test_units_that_onednn_may_not_use_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "cpu_has", lambda feature: True)
    monkeypatch.setattr(facts, "torch_trains_lstm", lambda precision: True)
    assert facts.has_bf16_units()
    monkeypatch.setattr(facts, "torch_trains_lstm", lambda precision: False)
    assert not facts.has_bf16_units()


def test_a_feature_of_the_cpu_that_pytorch_cannot_tell_is_taken_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    has = facts.cpu_has.__wrapped__
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_tile": True}, raising=False)
    assert has("amx_tile")
    assert not has("avx512_bf16")
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True, raising=False)
    assert has("amx_tile"), "older versions have private functions"
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported")
    assert not has("amx_tile")


@pytest.mark.parametrize("has_units", [True, False])
def test_a_gpu(monkeypatch: pytest.MonkeyPatch, has_units: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "some GPU")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has_units)
    choice = resolve_auto("auto", "auto", None, "lstm")
    assert choice.accelerator == "cuda"
    assert choice.backend == "torch"
    assert choice.precision == ("bf16-mixed" if has_units else "32-true")
    assert resolve_auto("cpu", "torch", None, "lstm").accelerator == "cpu", "what is given stays"


def test_apples_gpu_must_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_auto("auto", "torch", None, "lstm").accelerator == "cpu"
    asked = resolve_auto("mps", "auto", None, "lstm")
    assert (asked.accelerator, asked.backend, asked.precision) == ("mps", "torch", "32-true")
