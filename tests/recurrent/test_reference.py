"""The NumPy layers on their own; that they agree with PyTorch's is in test_stack."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

from tang.recurrent import reference
from tests.commands import ROOT


def weights(rng: np.random.Generator, gates: int, embedding: int, hidden: int) -> reference.Weights:
    rows = gates * hidden
    shapes = [(rows, embedding), (rows, hidden), (rows,), (rows,)]
    return reference.Weights(*(rng.normal(scale=0.5, size=shape) for shape in shapes))


@pytest.mark.parametrize(("cell", "gates"), [(reference.LSTM, 4), (reference.RNN, 1)])
def test_the_backward_pass_is_the_slope_of_the_forward_pass(cell: reference.Cell, gates: int) -> None:
    rng = np.random.default_rng(0)
    inputs, layer = rng.normal(size=(5, 2, 3)), weights(rng, gates, 3, 4)
    state = tuple(rng.normal(size=(2, 4)) for _ in range(2 if cell is reference.LSTM else 1))
    directions = [rng.normal(size=(5, 2, 4)), *(rng.normal(size=(2, 4)) for _ in state)]

    def loss() -> float:
        outputs, last, _ = reference.forward(cell, inputs, state, layer)
        return float(sum((a * b).sum() for a, b in zip(directions, (outputs, *last), strict=True)))

    _, _, tape = reference.forward(cell, inputs, state, layer)
    d_inputs, d_state, d_weights = reference.backward(cell, directions[0], tuple(directions[1:]), tape, layer)
    for array, gradient in zip((inputs, *state, *layer), (d_inputs, *d_state, *d_weights), strict=True):
        for index in np.ndindex(array.shape):
            kept = array[index]
            array[index] = kept + 1e-6
            above = loss()
            array[index] = kept - 1e-6
            below = loss()
            array[index] = kept
            assert gradient[index] == pytest.approx((above - below) / 2e-6, rel=1e-6, abs=1e-7)


def test_softmax_cross_entropy_and_its_slope() -> None:
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(3, 5)), np.array([0, 4, 2])
    loss, gradient = reference.softmax_cross_entropy(logits, targets)
    assert loss == pytest.approx(
        -np.log([np.exp(r[t]) / np.exp(r).sum() for r, t in zip(logits, targets, strict=True)]).mean()
    )
    for index in np.ndindex(logits.shape):
        moved = logits.copy()
        moved[index] += 1e-6
        slope = (reference.softmax_cross_entropy(moved, targets)[0] - loss) / 1e-6
        assert gradient[index] == pytest.approx(slope, abs=1e-6)
    assert np.isfinite(reference.softmax_cross_entropy(np.array([[1e4, -1e4]]), np.array([1]))[0])


def test_float32_stays_float32() -> None:
    rng = np.random.default_rng(0)
    layer = reference.Weights(*(array.astype(np.float32) for array in weights(rng, 4, 3, 4)))
    zeros = np.zeros((2, 4), np.float32)
    outputs, last, tape = reference.forward(reference.LSTM, np.ones((5, 2, 3), np.float32), (zeros, zeros), layer)
    d_inputs, d_state, d_weights = reference.backward(reference.LSTM, outputs, (zeros, zeros), tape, layer)
    assert {array.dtype for array in (outputs, *last, d_inputs, *d_state, *d_weights)} == {np.dtype(np.float32)}


def test_a_language_model_learns_without_pytorch() -> None:
    """An LSTM and a head, trained by the reference alone in a Python that can't import torch, learn to count to 3."""
    code = """
        import sys
        sys.modules["torch"] = None
        import numpy as np
        from tang.recurrent.reference import LSTM, Weights, backward, forward, softmax_cross_entropy

        rng = np.random.default_rng(0)
        symbols = np.tile([0, 0, 0, 1], 5)
        inputs, targets = np.eye(2)[symbols[:-1], None], symbols[1:]
        layer = Weights(*(rng.normal(scale=0.3, size=shape) for shape in [(32, 2), (32, 8), (32,), (32,)]))
        head = rng.normal(scale=0.3, size=(2, 8))
        zeros = (np.zeros((1, 8)), np.zeros((1, 8)))
        for _ in range(300):
            outputs, _, tape = forward(LSTM, inputs, zeros, layer)
            loss, d_logits = softmax_cross_entropy(outputs[:, 0] @ head.T, targets)
            _, _, d_layer = backward(LSTM, (d_logits @ head)[:, None], zeros, tape, layer)
            head -= d_logits.T @ outputs[:, 0]
            for weight, gradient in zip(layer, d_layer):
                weight -= gradient
        print(loss)
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False, cwd=ROOT / "src"
    )
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) < 0.05, "an LSTM that forgot would stay at 0.5 or above"
