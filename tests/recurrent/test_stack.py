"""All backends compute the same layer: outputs, last states and gradients, against ``torch``'s."""

import itertools
from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tang.errors import InputError
from tang.kernels import native
from tang.recurrent import cells
from tang.recurrent.layer import State
from tang.recurrent.stack import BACKENDS, Recurrent, backends_of

CELLS = cells.names()
OTHERS = [(backend, cell) for cell in CELLS for backend in backends_of(cell) if backend != "torch"]
BOUNDS = {torch.float64: 1e-9, torch.float32: 1e-5}
"""Bounds on max|a − b| ÷ max|b|."""

BFLOAT16_BOUND = 2e-2
"""The bound in bfloat16."""


class Shape(NamedTuple):
    """Sizes of a stack and of its inputs."""

    batch: int
    time: int
    embedding: int
    hidden: int
    layers: int


class Case(NamedTuple):
    """A stack on ``torch``, its twin on another backend, and what to feed them."""

    reference: Recurrent
    other: Recurrent
    inputs: Tensor
    state: State | None


def case(backend: str, cell: str, shape: Shape, dtype: torch.dtype, has_state: bool, seed: int = 0) -> Case:
    torch.manual_seed(seed)
    stacks = [
        Recurrent(shape.embedding, shape.hidden, shape.layers, cell=cell, backend=name).to(dtype)
        for name in ("torch", backend)
    ]
    for parameter in stacks[0].parameters():
        nn.init.normal_(parameter, std=0.5)
    stacks[1].load_state_dict(stacks[0].state_dict())
    inputs = torch.randn(shape.batch, shape.time, shape.embedding, dtype=dtype)
    count = cells.load(cell).states
    state = tuple(torch.randn(shape.layers, shape.batch, shape.hidden, dtype=dtype) for _ in range(count))
    return Case(stacks[0], stacks[1], inputs, state if has_state else None)


def results(stack: Recurrent, inputs: Tensor, state: State | None) -> dict[str, Tensor]:
    """Outputs and last states, and the gradients of a sum of them with random weights."""
    inputs = inputs.clone().requires_grad_()
    state = None if state is None else tuple(part.clone().requires_grad_() for part in state)
    outputs, last = stack(inputs, state)
    generator = torch.Generator().manual_seed(1)
    seen = [outputs, *last]
    sum((part * torch.randn(part.shape, generator=generator, dtype=part.dtype)).sum() for part in seen).backward()
    gradients: dict[str, Tensor | None] = {"d inputs": inputs.grad}
    gradients |= {f"d {name}": parameter.grad for name, parameter in stack.named_parameters()}
    gradients |= {f"d state {number}": part.grad for number, part in enumerate(state or ())}
    assert all(gradient is not None for gradient in gradients.values())
    return {f"result {number}": part.detach() for number, part in enumerate(seen)} | gradients


def assert_agree(case: Case, bound: float) -> None:
    wanted = results(case.reference, case.inputs, case.state)
    for name, found in results(case.other, case.inputs, case.state).items():
        difference, largest = (found - wanted[name]).abs().max(), wanted[name].abs().max()
        assert difference <= bound * largest, f"{name}: {difference / largest}"


@pytest.mark.parametrize("dtype", BOUNDS, ids=str)
@pytest.mark.parametrize("has_state", [False, True])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize(("backend", "cell"), OTHERS)
def test_every_backend_agrees_with_torch(
    backend: str, cell: str, layers: int, has_state: bool, dtype: torch.dtype
) -> None:
    assert_agree(case(backend, cell, Shape(4, 26, 6, 8, layers), dtype, has_state), BOUNDS[dtype])


@pytest.mark.parametrize("cell", ["lstm", "rnn"])
def test_bptt_takes_gradients_with_other_strides(cell: str) -> None:
    reference, other, inputs, _ = case("bptt", cell, Shape(3, 4, 5, 6, 1), torch.float32, False)
    gradients = []
    for stack in (reference, other):
        outputs, last = stack(inputs)
        loss = (outputs.transpose(0, 2) * torch.arange(3.0)).sum()
        loss = loss + sum((part[0].T * torch.arange(3.0)).square().sum() for part in last)
        gradients.append(torch.autograd.grad(loss, list(stack.parameters())))
    for found, wanted in zip(*gradients, strict=True):
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("dtype", BOUNDS, ids=str)
def test_bptt_agrees_without_a_compiler_too(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "library", lambda: None)
    assert_agree(case("bptt", "lstm", Shape(4, 26, 6, 8, 2), dtype, True), BOUNDS[dtype])


@pytest.mark.parametrize("cell", ["lstm", "rnn"])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_bptt_in_bfloat16_is_as_near_as_its_eight_bits_allow(cell: str, layers: int) -> None:
    # Weights as training begins: the errors of long chains grow with them. PyTorch's own LSTM comes as near.
    torch.manual_seed(0)
    reference, other = (Recurrent(64, 64, layers, cell=cell, backend=backend) for backend in ("torch", "bptt"))
    other.load_state_dict(reference.state_dict())
    inputs = torch.randn(8, 26, 64)
    wanted = results(reference, inputs, None)
    with torch.autocast("cpu", torch.bfloat16):
        found = results(other, inputs, None)
    assert found["result 0"].dtype == torch.bfloat16
    for name, tensor in found.items():
        difference, largest = (tensor.float() - wanted[name]).abs().max(), wanted[name].abs().max()
        assert difference <= BFLOAT16_BOUND * largest, f"{name}: {difference / largest}"


shapes = st.builds(
    Shape,
    batch=st.integers(1, 5),
    time=st.integers(1, 12),
    embedding=st.integers(1, 6),
    hidden=st.integers(1, 6),
    layers=st.integers(1, 3),
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(OTHERS), shapes, st.booleans(), st.integers(0, 2**32 - 1))
def test_they_agree_whatever_the_sizes(other: tuple[str, str], shape: Shape, has_state: bool, seed: int) -> None:
    assert_agree(case(*other, shape, torch.float64, has_state, seed), BOUNDS[torch.float64])


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(OTHERS), st.integers(1, 8), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_padding_at_the_end_changes_nothing_before_it(
    other: tuple[str, str], time: int, padding: int, seed: int
) -> None:
    _, stack, inputs, _ = case(*other, Shape(3, time + padding, 4, 5, 2), torch.float64, False, seed)
    gradients: list[list[Tensor | None]] = []
    for length in (time, time + padding):
        stack.zero_grad()
        stack(inputs[:, :length])[0][:, :time].square().sum().backward()
        gradients.append([parameter.grad for parameter in stack.parameters()])
    short, long = gradients
    assert None not in short
    for one, other_one in zip(short, long, strict=True):
        torch.testing.assert_close(other_one, one)


@pytest.mark.parametrize("cell", ["lstm", "rnn"])
@pytest.mark.parametrize("backend", ["bptt", "numpy"])
def test_gradients_derived_by_hand_pass_gradcheck(backend: str, cell: str) -> None:
    _, stack, inputs, state = case(backend, cell, Shape(2, 4, 3, 3, 2), torch.float64, True)
    assert state is not None
    names, parameters = zip(*stack.named_parameters(), strict=True)

    def outputs_of(inputs: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        weights = dict(zip(names, rest[: len(names)], strict=True))
        outputs, last = torch.func.functional_call(stack, weights, (inputs, rest[len(names) :]))
        return outputs, *last

    leaves = [part.detach().requires_grad_() for part in (inputs, *parameters, *state)]
    assert torch.autograd.gradcheck(outputs_of, leaves)


@pytest.mark.parametrize(("backend", "cell"), OTHERS)
def test_a_weight_changed_before_the_backward_pass_is_an_error(backend: str, cell: str) -> None:
    _, stack, inputs, _ = case(backend, cell, Shape(2, 3, 4, 5, 1), torch.float64, False)
    loss = stack(inputs)[0].sum()
    with torch.no_grad():
        stack.weights(0)[1].mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize(("backend", "cell"), OTHERS)
def test_gradients_of_two_parameters_share_no_memory(backend: str, cell: str) -> None:
    _, stack, inputs, _ = case(backend, cell, Shape(2, 3, 4, 5, 1), torch.float64, False)
    gradients = torch.autograd.grad(stack(inputs)[0].sum(), list(stack.parameters()))
    assert len({gradient.untyped_storage().data_ptr() for gradient in gradients}) == 4


@pytest.mark.parametrize(("backend", "cell"), [("torch", cell) for cell in CELLS] + OTHERS)
def test_a_sequence_in_two_calls_equals_one_call(backend: str, cell: str) -> None:
    stack = Recurrent(4, 5, 2, cell=cell, backend=backend).double()
    inputs = torch.randn(3, 7, 4, dtype=torch.float64)
    whole, last = stack(inputs)
    first, state = stack(inputs[:, :4])
    second, state = stack(inputs[:, 4:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
    torch.testing.assert_close(state, last)
    assert whole.shape == (3, 7, 5)
    assert [part.shape for part in last] == [(2, 3, 5)] * cells.load(cell).states


@pytest.mark.parametrize("backend", BACKENDS)
def test_dropout_falls_between_layers_in_training_alone(backend: str) -> None:
    torch.manual_seed(0)
    stack = Recurrent(4, 64, 2, dropout=0.5, backend=backend)
    inputs = torch.randn(3, 1, 4)
    dropped, (dropped_state, _) = stack(inputs)
    whole, (state, _) = stack.eval()(inputs)
    assert not torch.allclose(dropped, whole)
    torch.testing.assert_close(dropped_state[0], state[0])
    torch.testing.assert_close(whole[:, -1], state[1])


def test_the_forget_gate_begins_open_and_the_rest_unbiased() -> None:
    for bias, cell in itertools.product([0.0, 1.0], CELLS):
        stack = Recurrent(6, 4, 2, cell=cell, forget_bias=bias)
        for layer in range(2):
            _, weight_hh, bias_ih, bias_hh = stack.weights(layer)
            expected = torch.zeros(len(bias_ih))
            if cells.load(cell).forget_gate is not None:
                assert cell == "lstm"
                expected[4:8] = bias
            assert torch.equal(bias_ih + bias_hh, expected)
            assert weight_hh.abs().max() <= 4**-0.5


@pytest.mark.parametrize("backend", ["bptt", "numpy"])
def test_a_cell_that_is_not_derived_by_hand_is_refused(backend: str) -> None:
    message = f"model.backend={backend}: has no model.cell=gru; backends that do: torch, cell, equations"
    with pytest.raises(InputError, match=message):
        Recurrent(4, 4, cell="gru", backend=backend)


@pytest.mark.parametrize(("backend", "cell"), OTHERS)
def test_weight_dropout_drops_the_same_recurrent_weights_at_every_step(backend: str, cell: str) -> None:
    pair = case(backend, cell, Shape(3, 5, 4, 6, 2), torch.float64, has_state=False)
    inputs, found = pair.inputs, []
    for stack in (pair.reference, pair.other):
        plain, _ = stack.train()(inputs)
        stack.weight_dropout = 0.5
        torch.manual_seed(3)
        outputs, _ = stack(inputs)
        outputs.sum().backward()
        gradient = stack.weights(1)[1].grad
        assert gradient is not None
        assert not torch.allclose(outputs, plain)
        assert 0.3 < (gradient == 0).double().mean() < 0.7, "a dropped weight has no gradient"
        assert torch.equal(stack.eval()(inputs)[0], plain)
        found.append((outputs, gradient))
    for expected, other in zip(*found, strict=True):
        torch.testing.assert_close(other, expected)
