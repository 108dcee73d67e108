"""How open a trained LSTM's gates stand, and how long its cells remember."""

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from tang.evaluation.parts import Record
from tang.evaluation.places import PLACES
from tang.studies.findings import Findings
from tang.studies.inside.reading import Tokens
from tang.tables import markdown

LOW, HIGH = 0.1, 0.9
GATES = ("input gate", "forget gate", "output gate")
QUANTILES = {"τ of a tenth is below": 0.1, "of half": 0.5, "of nine tenths": 0.9, "of all": 1.0}
COLORS = ("#0072B2", "#D55E00", "#009E73")

TEXT = """\
## 2. Gates

A gate is shut below {low}, open above {high} (Karpathy and others 2016, Visualizing and Understanding Recurrent
Networks). A cell whose forget gate is f̄ on average keeps a 1/e of its content for τ = −1/ln f̄ steps; a line with its
mark is {line:.1f} steps here, a couplet {couplet:.1f}, a poem {poem:.1f}."""


class Gates:
    """Counts over tokens for the cells of one layer."""

    def __init__(self, size: int) -> None:
        self.steps = 0
        self.shut, self.open, self.sums = (torch.zeros(len(GATES), size, dtype=torch.float64) for _ in range(3))

    def add(self, record: Record, is_token: Tensor) -> None:
        """Count the steps of a batch where ``is_token`` (B, T)."""
        kept = is_token.T
        self.steps += int(kept.sum())
        for number, values in enumerate((record.input_gate, record.forget_gate, record.output_gate)):
            chosen = values[kept]
            self.shut[number] += (chosen < LOW).sum(0)
            self.open[number] += (chosen > HIGH).sum(0)
            self.sums[number] += chosen.sum(0)

    @property
    def time_constants(self) -> np.ndarray:
        """(H,) −1/ln of each cell's mean forget gate, in steps."""
        return (-1 / (self.sums[1] / self.steps).log()).numpy()


def gates(layers: list[Gates], tokens: Tokens) -> Findings:
    """Tables and a picture; from ``tokens`` follow the mean lengths of lines and poems."""
    is_inside = tokens.place != PLACES.index("ends of poems")
    lines = np.unique(np.stack((tokens.poem, tokens.line))[:, is_inside], axis=1)
    line, poem = is_inside.sum() / lines.shape[1], len(is_inside) / len(np.unique(tokens.poem))
    spans = {"a line": line, "a couplet": 2 * line, "the poem": poem}
    rows, memory = [], []
    for number, layer in enumerate(layers, 1):
        shut, opened = (counts / layer.steps for counts in (layer.shut, layer.open))
        for gate, name in enumerate(GATES):
            rows.append(
                {
                    "layer": number,
                    "gate": name,
                    "mean": f"{float((layer.sums[gate] / layer.steps).mean()):.2f}",
                    "shut": f"{float(shut[gate].mean()):.1%}",
                    "open": f"{float(opened[gate].mean()):.1%}",
                    "cells shut half of the time": f"{float((shut[gate] > 0.5).double().mean()):.1%}",
                    "open half of the time": f"{float((opened[gate] > 0.5).double().mean()):.1%}",
                }
            )
        tau = layer.time_constants
        quantiles = np.quantile(tau, [*QUANTILES.values()])
        memory.append(
            {
                "layer": number,
                **{name: f"{steps:.1f}" for name, steps in zip(QUANTILES, quantiles, strict=True)},
                **{f"remember {name}": f"{(tau > steps).mean():.1%}" for name, steps in spans.items()},
            }
        )
    text = TEXT.format(low=LOW, high=HIGH, line=line, couplet=2 * line, poem=poem)
    return Findings(f"{text}\n\n{markdown(rows)}\n\n{markdown(memory)}", {"gates": picture(layers, spans)})


def picture(layers: list[Gates], spans: dict[str, float]) -> Figure:
    """A row a layer: each cell by how often its gates are shut and open; the time constants."""
    figure = Figure(figsize=(12, 3.6 * len(layers)), layout="constrained")
    for (*scatters, histogram), layer in zip(figure.subplots(len(layers), 4, squeeze=False), layers, strict=True):
        for gate, (axes, name, color) in enumerate(zip(scatters, GATES, COLORS, strict=True)):
            axes.scatter(layer.shut[gate] / layer.steps, layer.open[gate] / layer.steps, 8, color, alpha=0.4, lw=0)
            axes.set(title=name, xlabel=f"share of steps shut, < {LOW}", ylabel=f"open, > {HIGH}")
            axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
            axes.plot([0, 1], [1, 0], ":", color="gray", lw=1)
        tau = layer.time_constants
        histogram.hist(tau, np.geomspace(max(tau.min(), 0.05), tau.max() * 1.01, 40), color=COLORS[1])
        for name, steps in spans.items():
            histogram.axvline(steps, color="black", lw=1, ls="--")
            histogram.text(steps, 1.0, f" {name}", rotation=90, va="top", ha="right", fontsize=8,
                           transform=histogram.get_xaxis_transform())  # fmt: skip
        histogram.set(xscale="log", title="how long cells remember", xlabel="τ, steps", ylabel="cells")
    return figure
