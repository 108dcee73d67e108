"""The check passes correct gradients, and catches wrong ones."""

import math

import pytest
import torch
from torch import Tensor

from tang.config.studies import Gradients, GradientSizes
from tang.recurrent import bptt
from tang.recurrent.layer import State, Weights
from tang.recurrent.stack import BACKENDS
from tang.studies.gradients import BOUNDS, KINDS, Problem, by_differences, by_torch, study

SMALL = GradientSizes(batch_size=2, time=3, embedding_size=2, hidden_size=3, num_layers=2)
BOUND = BOUNDS["float64"]


def test_every_backend_passes() -> None:
    findings = study(Gradients(differences=SMALL, agreement=SMALL), seed=1)
    assert findings.text.count("All are within.") == 2
    rows = [line for line in findings.text.splitlines() if line.startswith(("| lstm", "| rnn", "| gru"))]
    assert len(rows) == 13 + 10


def test_differences_find_a_slope_that_is_known() -> None:
    """One Elman unit, one step: L = (a + b) tanh(w x + u h + c), for its output and its last state."""
    problem = Problem.draw("rnn", GradientSizes(1, 1, 1, 1, 1), has_state=True, dtype=torch.float64, seed=0)
    slopes, (outputs, last) = problem.differences(), problem.directions
    with torch.no_grad():
        z_slope = (outputs + last) * (1 - problem.results()["outputs"] ** 2)
    assert slopes["bias_ih_l0"].item() == pytest.approx(z_slope.item(), rel=1e-10)
    assert slopes["weight_ih_l0"].item() == pytest.approx((z_slope * problem.inputs).item(), rel=1e-10)


class Wrong(torch.autograd.Function):
    """The identity, with a gradient that is too long by a millionth."""

    @staticmethod
    def forward(ctx: object, weight: Tensor) -> Tensor:
        return weight.clone()

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return gradient * (1 + 1e-6)


@pytest.mark.parametrize(("place", "kind"), list(enumerate(KINDS[3:])))
def test_a_gradient_that_is_off_by_a_millionth_is_caught(
    place: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = bptt.LAYERS["lstm"]

    def broken(inputs: Tensor, state: State, weights: Weights) -> tuple[Tensor, State]:
        touched = list(weights)
        touched[place] = Wrong.apply(weights[place])  # type: ignore[no-untyped-call]
        return right(inputs, state, tuple(touched))  # type: ignore[arg-type]

    monkeypatch.setitem(bptt.LAYERS, "lstm", broken)
    errors = by_differences(SMALL, seed=1)
    above = {(*row, name) for row, parts in errors.items() for name, error in parts.items() if error > BOUND}
    assert above == {("lstm", "bptt", kind)}
    assert errors["lstm", "bptt"][kind] == pytest.approx(1e-6, rel=1e-2)
    compared = by_torch(SMALL, seed=1)["lstm", "bptt"]
    assert compared["gradients, float64"] == pytest.approx(1e-6, rel=1e-2)
    assert compared["results, float64"] < BOUND


def test_a_gradient_that_is_no_number_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Wrong, "backward", staticmethod(lambda ctx, gradient: gradient * math.nan))
    right = bptt.LAYERS["rnn"]
    monkeypatch.setitem(
        bptt.LAYERS,
        "rnn",
        lambda inputs, state, weights: right(inputs, state, (Wrong.apply(weights[0]), *weights[1:])),  # type: ignore[no-untyped-call]
    )
    findings = study(Gradients(differences=SMALL, agreement=SMALL), seed=1)
    assert findings.text.count("ABOVE: rnn on bptt, ") == 2


def test_a_layer_that_forgets_the_path_through_time_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = BACKENDS["equations"]
    step = right("rnn")
    assert step

    def truncated(inputs: Tensor, state: State, weights: Weights) -> tuple[Tensor, State]:
        outputs: list[Tensor] = []
        for x in inputs:
            before = tuple(part.detach() for part in state) if outputs else state
            output, state = step(x[None], before, weights)
            outputs.append(output)
        return torch.cat(outputs), state

    monkeypatch.setitem(BACKENDS, "equations", lambda cell: truncated if cell == "rnn" else right(cell))
    findings = study(Gradients(differences=SMALL, agreement=SMALL), seed=1)
    assert findings.text.count("ABOVE: rnn on equations, ") == 2
    assert "All are within." not in findings.text
