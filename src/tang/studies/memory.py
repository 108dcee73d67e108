"""A memory cell with weights set by hand, computed four ways.

It adds x1 to its memory where x2 = 1, clears its memory where x2 = −1, and outputs its memory where x3 = 1. One LSTM
cell without recurrent weights does that; its gates' pre-activations are ±10 or beyond.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure

from tang.config.studies import Memory
from tang.recurrent.reference import sigmoid
from tang.recurrent.stack import BACKENDS, Recurrent
from tang.studies.findings import Findings, heat_map
from tang.tables import markdown

Array = np.ndarray
Function = Callable[[Array], Array]

INPUTS = np.array(  # (T, 3): x1, x2, x3 of each step
    [[1, 0, 0], [3, 1, 0], [2, 0, 0], [4, 1, 0], [2, 0, 0], [1, 0, 1], [3, -1, 0], [6, 1, 0], [1, 0, 1]], dtype=float
)

ROWS = {"i": [0, 100, 0, -10], "f": [0, 100, 0, 10], "g": [1, 0, 0, 0], "o": [0, 0, 100, -10]}
"""Gate → weights of x1, x2, x3 and of a constant 1, the bias; in PyTorch's order."""


class Trace(NamedTuple):
    """A cell over time."""

    memory: Array  # (T,), before each step
    outputs: Array  # (T,), of each step


def study(options: Memory, seed: int) -> Findings:
    """Run the cell in each implementation, and with two rows of its weights swapped; the arguments have no effect."""
    hard, soft, swapped = by_hand(step, linear), by_hand(sigmoid, linear), by_backend("torch", order="figo")
    backends = {name: by_backend(name) for name in ("torch", *BACKENDS)}
    lstm = backends["torch"]
    traces = {"hard, linear": hard, "sigmoid, linear": soft, "nn.LSTMCell": backends["cell"], "nn.LSTM": lstm}
    traces["nn.LSTM, i and f swapped"] = swapped
    wanted, correct, wrong = (trace.outputs[hard.outputs > 0] for trace in (hard, lstm, swapped))
    text = f"""\
A memory cell by hand: x2 = 1 adds x1 to the memory, x2 = −1 clears it, x3 = 1 outputs it.
The rows of its weights are in PyTorch's order i, f, g, o; the input that is always 1 is the bias.

Memory before each step; numbers without decimals are exact:

{_table({name: trace.memory for name, trace in traces.items()})}

Output of each step:

{_table({name: trace.outputs for name, trace in traces.items()})}

- Hard gates, 0 or 1, and candidate and output linear: exact.
  Memory {" ".join(map(_number, hard.memory))}, output {" ".join(map(_number, hard.outputs))}.
- Sigmoid gates, and candidate and output linear: off by up to {_difference(soft, hard):.2g}, because at z = ±10
  a gate is still {sigmoid(np.float64(-10)):.2g} from 0 or 1.
- nn.LSTM applies tanh to candidate and memory. A number adds 1 at most, so 3 + 4 is remembered as
  {lstm.memory[5]:.3f}, and {_listed(wanted, 0)} come out as {_listed(correct, 3)}.
- The backends {", ".join(backends)} differ by {max(_difference(trace, lstm) for trace in backends.values()):.1g}.
- With the rows of i and f swapped, a step with x2 = 0 overwrites the memory instead of keeping it:
  {_listed(wrong, 3)} come out, each tanh(tanh 1), of the x1 of that very step.
  Rounding hides the mistake: {_listed(wrong, 0)}, in the correct order {_listed(correct, 0)}."""
    return Findings(text, {"memory": _figure(hard, lstm)})


def step(z: Array) -> Array:
    """A hard gate: 1 where z > 0, else 0."""
    return (z > 0).astype(float)


def linear(z: Array) -> Array:
    """The identity, in place of tanh."""
    return z


def gates(gate: Function, squash: Function) -> Array:
    """Gates i, f, g, o of each step, (4, T)."""
    z = np.array(list(ROWS.values())) @ np.column_stack([INPUTS, np.ones(len(INPUTS))]).T
    return np.stack([gate(z[0]), gate(z[1]), squash(z[2]), gate(z[3])])


def by_hand(gate: Function, squash: Function) -> Trace:
    """The cell in NumPy; in an LSTM ``gate`` is the sigmoid and ``squash``, of candidate and memory, is tanh."""
    i, f, g, o = gates(gate, squash)
    memory = [0.0]
    for t in range(len(INPUTS)):
        memory.append(f[t] * memory[t] + i[t] * g[t])
    return Trace(np.array(memory[:-1]), o * squash(np.array(memory[1:])))


def by_backend(backend: str, order: str = "ifgo") -> Trace:
    """The cell as a :class:`Recurrent` LSTM in float64, with the rows of its weights in this order."""
    stack = Recurrent(INPUTS.shape[1], 1, backend=backend).double()
    rows = torch.tensor([ROWS[gate] for gate in order], dtype=torch.float64)
    inputs = torch.from_numpy(INPUTS)[None]
    with torch.no_grad():
        for weight, value in zip(stack.weights(0), (rows[:, :3], 0.0, rows[:, 3], 0.0), strict=True):
            weight.copy_(torch.as_tensor(value))
        outputs, _ = stack(inputs)
        # A stack returns only the last memory, so run it on every prefix.
        memory = [stack(inputs[:, :t])[1][1].item() for t in range(1, len(INPUTS))]
    return Trace(np.array([0.0, *memory]), outputs.flatten().numpy())


def _difference(one: Trace, other: Trace) -> float:
    return float(np.abs(np.subtract(one, other)).max())


def _number(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() else f"{value:.4f}"


def _listed(values: Array, digits: int) -> str:
    return " and ".join(f"{value:.{digits}f}" for value in values)


def _table(columns: dict[str, Array]) -> str:
    columns = dict(zip(("x1", "x2", "x3"), INPUTS.T, strict=True)) | columns
    return markdown(
        [{"step": t + 1} | {name: _number(values[t]) for name, values in columns.items()} for t in range(len(INPUTS))]
    )


def _figure(hard: Trace, lstm: Trace) -> Figure:
    """Inputs, gates, memory and outputs of the exact cell and, beside it, of nn.LSTM."""
    figure = Figure(figsize=(13, 7), layout="constrained")
    grid = figure.subplots(3, 2, sharex=True, height_ratios=[3, 4, 4])
    columns = [
        ("Hard gates, linear candidate and output", hard, gates(step, linear), 0),
        ("nn.LSTM: sigmoid gates, tanh of candidate and memory", lstm, gates(sigmoid, np.tanh), 2),
    ]
    for (inputs, heat, bars), (title, trace, values, digits) in zip(grid.T, columns, strict=True):
        inputs.set_title(title, fontweight="bold", fontsize=11)
        for axes, numbers, labels, cmap, decimals in (
            (inputs, INPUTS.T, ["$x_1$ number", "$x_2$ add, clear", "$x_3$ output"], "RdGy", 0),
            (heat, values, ["$i$ input", "$f$ forget", "$g$ candidate", "$o$ output"], "RdBu", digits),
        ):
            # 0 is white; 1, or the largest of a row, is dark; −1 is red.
            shades = numbers / np.maximum(1, numbers.max(axis=1, keepdims=True))
            heat_map(axes, numbers, labels, decimals, shades, dark=0.6, cmap=cmap, vmin=-1.3, vmax=1.3)
        steps = np.arange(len(INPUTS))
        for offset, heights, label, color in (
            (-0.23, trace.memory, "memory before the step", "tab:blue"),
            (0.23, trace.outputs, "output", "tab:orange"),
        ):
            drawn = bars.bar(steps + offset, heights, 0.36, label=label, color=color)
            labels = [f"{height:.{digits}f}" if height > 0.01 else "" for height in heights]
            bars.bar_label(drawn, labels, padding=2, fontsize=8)
        bars.set(xlabel="step", ylim=(0, 1.45 * trace.memory.max()), xticks=steps, xticklabels=steps + 1)
        bars.spines[["top", "right"]].set_visible(False)
        bars.legend(loc="upper left", ncols=2, frameon=False)
    return figure
