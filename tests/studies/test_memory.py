"""The cell by hand outputs exact numbers, and PyTorch's LSTM those numbers squashed by tanh."""

import math

import numpy as np
import pytest

from tang.config.studies import Memory
from tang.recurrent.reference import sigmoid
from tang.recurrent.stack import BACKENDS
from tang.studies.memory import by_backend, by_hand, linear, step, study

MEMORY = [0, 0, 3, 3, 7, 7, 7, 0, 6]
OUTPUTS = [0, 0, 0, 0, 0, 7, 0, 0, 6]


def test_hard_gates_and_linear_parts_are_exact() -> None:
    run = by_hand(step, linear)
    assert run.memory.tolist() == MEMORY
    assert run.outputs.tolist() == OUTPUTS


def test_sigmoid_gates_come_within_a_thousandth() -> None:
    run = by_hand(sigmoid, linear)
    assert run.memory == pytest.approx(MEMORY, abs=1e-3)
    assert run.outputs == pytest.approx(OUTPUTS, abs=1e-3)
    assert run.outputs.tolist() != OUTPUTS


@pytest.mark.parametrize("backend", ["torch", *BACKENDS])
def test_every_backend_is_the_same_lstm_as_the_one_by_hand(backend: str) -> None:
    run, wanted = by_backend(backend), by_hand(sigmoid, np.tanh)
    np.testing.assert_allclose(run.memory, wanted.memory, atol=1e-14)
    np.testing.assert_allclose(run.outputs, wanted.outputs, atol=1e-14)


def test_tanh_makes_about_one_of_seven_and_of_six() -> None:
    outputs = by_backend("torch").outputs
    squashed = [math.tanh(math.tanh(3) + math.tanh(4)), math.tanh(math.tanh(6))]
    assert outputs[[5, 8]] == pytest.approx(squashed, abs=1e-4)
    assert outputs[[5, 8]].round(3).tolist() == [0.964, 0.762]
    assert np.delete(outputs, [5, 8]) == pytest.approx(0, abs=1e-3)


def test_swapped_rows_remember_nothing_and_round_to_the_same() -> None:
    right, swapped = by_backend("torch").outputs, by_backend("torch", order="figo").outputs
    assert swapped[[5, 8]] == pytest.approx(math.tanh(math.tanh(1)), abs=1e-4)
    assert swapped[[5, 8]].round(3).tolist() == [0.642, 0.642]
    assert right.round().tolist() == swapped.round().tolist()


def test_the_text_and_the_figure_show_it() -> None:
    findings = study(Memory(), seed=1)
    assert "Memory 0 0 3 3 7 7 7 0 6, output 0 0 0 0 0 7 0 0 6." in findings.text
    assert "7 and 6 come out as 0.964 and 0.762" in findings.text
    assert "0.642 and 0.642 come out" in findings.text
    heat_maps = [axes for axes in findings.figures["memory"].axes if axes.images]
    assert [len(axes.texts) for axes in heat_maps] == [27, 27, 36, 36]
