"""Section 4 of docs/derivation.md: from cell to cell, directly and along all paths."""

import re

import torch
from torch import diag

from tests.derivation.conftest import TEXT
from tests.derivation.formulas import (
    cell_by_gates,
    cell_through_time,
    hidden_by_gates,
    loss_by_hidden,
    slope,
    state_jacobian,
    through,
)
from tests.derivation.nets import LSTM, Run, T, agree, error, gradient, jacobian, product, summed


def test_direct_gradient_of_cell_to_cell(step: Run) -> None:
    agree(diag(step.f[1]), jacobian(step.c[1], step.c[0]))


def test_total_gradient_of_cell_to_cell(lstm: Run) -> None:
    for t in range(2, T + 1):
        by_hidden = through(cell_by_gates(lstm, t), lstm.weights.u)
        agree(diag(lstm.f[t]) + by_hidden @ diag(slope(lstm, t - 1)), jacobian(lstm.c[t], lstm.c[t - 1]))


def test_jacobian_of_the_whole_state(step: Run) -> None:
    states = torch.cat([step.c[1], step.h[1]])
    agree(state_jacobian(step, 1), torch.cat([jacobian(states, step.c[0]), jacobian(states, step.h[0])], dim=1))


def test_cell_through_time(lstm: Run, beside: str) -> None:
    agree(cell_through_time(lstm, 5, 2), jacobian(lstm.c[5], lstm.c[2]))
    truth = jacobian(lstm.c[3], lstm.c[1])
    single = product(
        diag(lstm.f[t]) + through(cell_by_gates(lstm, t), lstm.weights.u) @ diag(slope(lstm, t - 1)) for t in (3, 2)
    )
    around = through(cell_by_gates(lstm, 3), lstm.weights.u) @ hidden_by_gates(lstm, 2)["o"] @ lstm.weights.u["o"]
    agree(single + around @ diag(slope(lstm, 1)), truth)
    assert f"off by\n{100 * error(single, truth):.1f} %" in beside


def test_five_paths_from_the_third_loss_to_the_second_forget_gate(lstm: Run) -> None:
    u, s_3, s_2 = lstm.weights.u, diag(slope(lstm, 3)), diag(slope(lstm, 2))
    by_gates, by_output = cell_by_gates(lstm, 3), hidden_by_gates(lstm, 3)["o"]
    loss_by_h = loss_by_hidden(lstm, 3)
    f_2_to_c_2 = diag(lstm.c[1])
    paths = {
        "f₂ → C₂ → C₃ → h₃ → L₃": s_3 @ diag(lstm.f[3]) @ f_2_to_c_2,
        "f₂ → C₂ → h₂ → i₃ → C₃ → h₃ → L₃": s_3 @ by_gates["i"] @ u["i"] @ s_2 @ f_2_to_c_2,
        "f₂ → C₂ → h₂ → f₃ → C₃ → h₃ → L₃": s_3 @ by_gates["f"] @ u["f"] @ s_2 @ f_2_to_c_2,
        "f₂ → C₂ → h₂ → g₃ → C₃ → h₃ → L₃": s_3 @ by_gates["g"] @ u["g"] @ s_2 @ f_2_to_c_2,
        "f₂ → C₂ → h₂ → o₃ → h₃ → L₃": by_output @ u["o"] @ s_2 @ f_2_to_c_2,
    }
    truth = gradient(lstm.losses[3], lstm.f[2])
    agree(summed(path.T @ loss_by_h for path in paths.values()), truth)
    for name, path in paths.items():
        share = (path.T @ loss_by_h).norm() / truth.norm()
        assert re.search(rf"^\| {name} \| .* \| {share:.3f} \|$", TEXT, re.MULTILINE)


def test_paths_multiply_with_the_distance(beside: str) -> None:
    arrows = {"i": "C", "f": "C", "g": "C", "C": "h", "o": "h"}  # within a step

    def paths(node: str, t: int, last: int) -> int:
        """The number of ways from a node of step t to h of the last step, which the loss reads."""
        if node == "h":
            return 1 if t == last else sum(paths(gate, t + 1, last) for gate in LSTM)
        onward = paths("C", t + 1, last) if node == "C" and t < last else 0
        return onward + paths(arrows[node], t, last)

    counts = [paths("f", 2, last) for last in (3, 4, 5)]
    assert "{}, {} and {}".format(*counts) in beside
