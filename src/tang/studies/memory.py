"""A memory cell with weights set by hand, computed four ways.

It reads x1, x2, x3: where x2 = 1 it adds x1 to its memory, where x2 = −1 it clears it, where x3 = 1
it puts it out. One LSTM cell without recurrent weights does that; its gates stand at z = ±10 or beyond.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tang.recurrent.reference import sigmoid
from tang.recurrent.stack import BACKENDS, Recurrent
from tang.studies.findings import Findings
from tang.tables import markdown

Array = np.ndarray
Function = Callable[[Array], Array]

INPUTS = np.array(
    [[1, 0, 0], [3, 1, 0], [2, 0, 0], [4, 1, 0], [2, 0, 0], [1, 0, 1], [3, -1, 0], [6, 1, 0], [1, 0, 1]], dtype=float
)
"""x1, x2, x3 of each step, (T, 3)."""

ROWS = {"i": [0, 100, 0, -10], "f": [0, 100, 0, 10], "g": [1, 0, 0, 0], "o": [0, 0, 100, -10]}
"""Weights of x1, x2, x3 and of a constant 1, PyTorch's bias; in PyTorch's order."""


class Run(NamedTuple):
    """What a cell kept and said."""

    memory: Array
    """(T,), before each step."""
    outputs: Array
    """(T,), of each step."""


def study(*, seed: int) -> Findings:
    """Run the cell in each way, and with two rows of its weights swapped; ``seed`` changes nothing here."""
    hard, soft = by_hand(step, linear), by_hand(sigmoid, linear)
    backends = {name: by_backend(name) for name in ("torch", *BACKENDS)}
    ways = {
        "hard, linear": hard,
        "sigmoid, linear": soft,
        "nn.LSTMCell": backends["cell"],
        "nn.LSTM": backends["torch"],
        "nn.LSTM, i and f swapped": by_backend("torch", order="figo"),
    }
    text = "\n".join(
        [
            "A memory cell by hand: x2 = 1 adds x1 to the memory, x2 = −1 clears it, x3 = 1 puts it out.",
            "The rows of its weights stand in PyTorch's order i, f, g, o; the input that is always 1 is the bias.",
            "",
            "Memory before each step; what has no decimals is exact:",
            "",
            _table({name: run.memory for name, run in ways.items()}),
            "",
            "Output of each step:",
            "",
            _table({name: run.outputs for name, run in ways.items()}),
            "",
            *_seen(hard, soft, ways["nn.LSTM"], ways["nn.LSTM, i and f swapped"], backends),
        ]
    )
    return Findings(text, {"memory": _figure(hard, backends["torch"])})


def _seen(hard: Run, soft: Run, lstm: Run, swapped: Run, backends: dict[str, Run]) -> list[str]:
    said = np.flatnonzero(hard.outputs)
    right, wrong = (" and ".join(f"{output:.3f}" for output in run.outputs[said]) for run in (lstm, swapped))
    leak, spread = sigmoid(np.float64(-10)), max(_apart(run, lstm) for run in backends.values())
    others = [name for name in backends if name not in ("torch", "cell")]
    return [
        "- Hard gates, 0 or 1, and candidate and output linear: exact.",
        f"  Memory {_numbers(hard.memory)}, output {_numbers(hard.outputs)}.",
        f"- Sigmoid gates, and candidate and output linear: off by up to {_apart(soft, hard):.2g}, because at z = ±10",
        f"  a gate is still {leak:.2g} from 0 or 1.",
        "- nn.LSTM puts candidate and memory through tanh. A number adds 1 at most, so 3 + 4 is remembered as",
        f"  {lstm.memory[5]:.3f}, and {_numbers(hard.outputs[said], ' and ')} come out as {right}.",
        f"- nn.LSTM over the whole sequence, nn.LSTMCell stepped, and the backends {', '.join(others)}",
        f"  differ by {spread:.1g}.",
        "- With the rows of i and f swapped, a step with x2 = 0 overwrites the memory instead of keeping it:",
        f"  {wrong} come out, each tanh(tanh 1), of that very step's x1.",
        f"  In whole numbers that is {_rounded(swapped.outputs[said])}, and so it is in the right order,",
        f"  {_rounded(lstm.outputs[said])}: rounding hides the mistake.",
    ]


def step(z: Array) -> Array:
    """A gate that is open, 1, or closed, 0."""
    return (z > 0).astype(float)


def linear(z: Array) -> Array:
    """No squashing at all."""
    return z


def gates(gate: Function, squash: Function) -> Array:
    """i, f, g, o of each step, (4, T)."""
    z = np.array(list(ROWS.values())) @ np.column_stack([INPUTS, np.ones(len(INPUTS))]).T
    return np.stack([gate(z[0]), gate(z[1]), squash(z[2]), gate(z[3])])


def by_hand(gate: Function, squash: Function) -> Run:
    """The cell in NumPy; an LSTM's gate is a sigmoid, and it squashes candidate and memory with tanh."""
    i, f, g, o = gates(gate, squash)
    memory = [0.0]
    for t in range(len(INPUTS)):
        memory.append(f[t] * memory[t] + i[t] * g[t])
    return Run(np.array(memory[:-1]), o * squash(np.array(memory[1:])))


def by_backend(backend: str, order: str = "ifgo") -> Run:
    """The cell as an LSTM of the package, its rows in this order, in float64."""
    stack = Recurrent(INPUTS.shape[1], 1, backend=backend).double()
    rows = torch.tensor([ROWS[gate] for gate in order], dtype=torch.float64)
    inputs = torch.from_numpy(INPUTS)[None]
    with torch.no_grad():
        for weight, value in zip(stack.weights(0), (rows[:, :3], 0.0, rows[:, 3], 0.0), strict=True):
            weight.copy_(torch.as_tensor(value))
        outputs, _ = stack(inputs)
        # Only the last memory is returned: the one before a step is the last of the steps before it.
        memory = [stack(inputs[:, :t])[1][1].item() for t in range(1, len(INPUTS))]
    return Run(np.array([0.0, *memory]), outputs.flatten().numpy())


def _apart(run: Run, other: Run) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(run, other, strict=True))


def _rounded(values: Array) -> str:
    return " and ".join(f"{value:.0f}" for value in values)


def _numbers(values: Array, between: str = " ") -> str:
    return between.join(map(_number, values))


def _number(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() else f"{value:.4f}"


def _table(columns: dict[str, Array]) -> str:
    names = ("x1", "x2", "x3")
    return markdown(
        [
            {"step": t + 1}
            | {name: f"{value:.0f}" for name, value in zip(names, INPUTS[t], strict=True)}
            | {name: _number(values[t]) for name, values in columns.items()}
            for t in range(len(INPUTS))
        ]
    )


def _figure(hard: Run, lstm: Run) -> Figure:
    """Inputs, gates, memory and outputs of the exact cell and, beside it, of nn.LSTM."""
    figure = Figure(figsize=(13, 7), layout="constrained")
    grid = figure.subplots(3, 2, sharex=True, height_ratios=[3, 4, 4])
    columns = [
        ("Hard gates, linear candidate and output", hard, gates(step, linear), 0),
        ("nn.LSTM: sigmoid gates, tanh of candidate and memory", lstm, gates(sigmoid, np.tanh), 2),
    ]
    for (inputs, heat, bars), (title, run, values, digits) in zip(grid.T, columns, strict=True):
        inputs.set_title(title, fontweight="bold", fontsize=11)
        _heat_map(inputs, INPUTS.T, ["$x_1$ number", "$x_2$ add, clear", "$x_3$ put out"], "RdGy", 0)
        _heat_map(heat, values, ["$i$ input", "$f$ forget", "$g$ candidate", "$o$ output"], "RdBu", digits)
        steps = np.arange(len(INPUTS))
        for offset, heights, label, colour in (
            (-0.23, run.memory, "memory before the step", "tab:blue"),
            (0.23, run.outputs, "output", "tab:orange"),
        ):
            drawn = bars.bar(steps + offset, heights, 0.36, label=label, color=colour)
            labels = [f"{height:.{digits}f}" if height > 0.01 else "" for height in heights]
            bars.bar_label(drawn, labels, padding=2, fontsize=8)
        bars.set(xlabel="step", ylim=(0, 1.45 * run.memory.max()), xticks=steps, xticklabels=steps + 1)
        bars.spines[["top", "right"]].set_visible(False)
        bars.legend(loc="upper left", ncols=2, frameon=False)
    return figure


def _heat_map(axes: Axes, values: Array, labels: list[str], colours: str, digits: int) -> None:
    """``values`` (rows, T) as numbers on shades: 0 is white; 1, or the largest of a row, is dark; −1 is red."""
    shades = values / np.maximum(1, values.max(axis=1, keepdims=True))
    axes.imshow(shades, cmap=colours, vmin=-1.3, vmax=1.3, aspect="auto")
    for (row, t), value in np.ndenumerate(values):
        colour = "white" if abs(shades[row, t]) > 0.6 else "black"
        axes.text(t, row, f"{value:.{digits}f}", ha="center", va="center", color=colour)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xticks(np.arange(values.shape[1] + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(labels) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
