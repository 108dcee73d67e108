"""What a line can read from the state: linear probes for the rhyme and for where in the poem it stands."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from torch import Tensor

from tang.evaluation.parts import Record
from tang.evaluation.places import Places
from tang.prosody.rhymes import readings, tones
from tang.studies.findings import Findings
from tang.studies.inside.reading import Poems
from tang.tables import markdown
from tang.tasks.poem_model import PoemModelBase

LINES = (3, 4, 5, 6, 7, 8)
RIDGES = (1e1, 1e2, 1e3, 1e4, 1e5)
TRAINED, CHOSEN = 0.6, 0.8  # Shares of the poems that a probe learns from, and that its ridge is chosen by as well
MAX_SAMPLES = 6000
RHYME = "rhyme of line 2"
COLORS = ("#0072B2", "#009E73", "#E69F00", "#999999")

TEXT = """\
## 4. Is the rhyme in there?

From the state before the last character of a line (h and c of the last layer), and from the echoes that the network is
given there, a linear probe tells the rhyme group of line 2 and other things: ridge regression on classes, whose
strength is chosen by poems of its own. Accuracy on {share:.0%} of {poems:,} poems, which the probe hasn't seen; of
a probe of shuffled labels; of always naming the commonest class. Lines 3, 5 and 7 don't rhyme: there the rhyme is a
memory."""


class Sample(NamedTuple):
    """The state before a line's last character, and what a probe is to tell from it."""

    poem: int
    line: int
    labels: dict[str, str]


class Ends:
    """Collects the states before lines end, of poems of four or eight lines whose second ends in one rhyme group."""

    def __init__(self, model: PoemModelBase) -> None:
        self.model = model
        self.samples: list[Sample] = []
        self.features: list[Tensor] = []  # h and c of each sample, (2H,)
        self.echoes: list[Tensor] = []  # what its network is told there

    def add(self, poems: Poems, record: Record) -> None:
        """Take the ends of lines of a batch."""
        places, symbols = Places(self.model.vocabulary, torch.device("cpu")), self.model.vocabulary.symbols
        batch = poems.batch
        line = places.begins_line[batch.inputs].cumsum(1)
        following = batch.targets[:, 1:]
        is_last = torch.zeros_like(poems.is_token)
        is_last[:, :-1] = places.is_mark[following] & ~places.is_mark[batch.targets[:, :-1]]
        echo = self.model.network.echo(batch.inputs) if self.model.network.echo else None
        for row, poem in enumerate(poems.rows.tolist()):
            steps = is_last[row].nonzero()[:, 0]
            ends = {int(line[row, step]): (int(step), symbols[batch.targets[row, step]]) for step in steps}
            rhyme = readings(ends[2][1], self.model.script) if 2 in ends else frozenset()
            if len(rhyme) != 1 or len(ends) not in (4, 8):
                continue
            (group,) = rhyme
            form = f"{len(steps)} lines of {int(steps[0])}"
            for number, (step, character) in ends.items():
                tone = tones(character, self.model.script)
                labels = {RHYME: str(group), "form": form, "number of the line": str(number)}
                if len(tone) == 1:
                    labels["tone of the next character"] = next(iter(tone))
                self.samples.append(Sample(poem, number, labels))
                self.features.append(torch.cat((record.hidden[step, row], record.cell[step, row])).half())
                if echo is not None:
                    self.echoes.append(echo[row, step].half())


class Accuracy(NamedTuple):
    """Shares of ``lines``, of poems that the probe hasn't seen, that are told right."""

    found: float
    shuffled: float  # by a probe of labels that were exchanged between lines
    commonest: float  # by always naming the class that is commonest
    lines: int

    @property
    def error(self) -> float:
        """The standard error of ``found``."""
        return math.sqrt(self.found * (1 - self.found) / self.lines)


def probed(features: Tensor, classes: list[str], poems: list[int], seed: int) -> Accuracy:
    """What a probe can tell of ``classes`` (N) from ``features`` (N, D); ``poems`` (N) are split between its parts."""
    random = np.random.default_rng(seed)
    distinct, owner = np.unique(poems, return_inverse=True)
    share = torch.from_numpy((random.permutation(len(distinct)) / len(distinct))[owner])
    learn, choose, test = share < TRAINED, (share >= TRAINED) & (share < CHOSEN), share >= CHOSEN
    kinds, numbers = np.unique(classes, return_inverse=True)
    labels = torch.from_numpy(numbers)
    values = features.float()
    values = (values - values[learn].mean(0)) / values[learn].std(0).clamp(min=1e-3)
    x = torch.cat((values, torch.ones(len(values), 1)), 1)
    gram = x[learn].T @ x[learn]

    def accuracy(wanted: Tensor) -> float:
        products = x[learn].T @ F.one_hot(wanted[learn], len(kinds)).float()
        best, weights = -1.0, products
        for ridge in RIDGES:
            trial = torch.linalg.solve(gram + ridge * torch.eye(len(gram)), products)
            hits = float(((x[choose] @ trial).argmax(1) == wanted[choose]).float().mean())
            if hits > best:
                best, weights = hits, trial
        return float(((x[test] @ weights).argmax(1) == wanted[test]).float().mean())

    commonest = labels[learn].bincount().argmax()
    shuffled = labels[torch.from_numpy(random.permutation(len(labels)))]
    return Accuracy(
        accuracy(labels), accuracy(shuffled), float((labels[test] == commonest).float().mean()), int(test.sum())
    )


def probe(ends: Ends, seed: int) -> Findings:
    """Tables and a picture."""
    states = torch.stack(ends.features)
    sources = {"state": states}
    if ends.echoes:
        sources |= {"echoes": torch.stack(ends.echoes)}

    def of(label: str, source: str, lines: Sequence[int]) -> Accuracy:
        chosen = [n for n, sample in enumerate(ends.samples) if sample.line in lines and label in sample.labels]
        chosen = chosen[:MAX_SAMPLES]
        samples = [ends.samples[number] for number in chosen]
        classes, poems = [sample.labels[label] for sample in samples], [sample.poem for sample in samples]
        return probed(sources[source][chosen], classes, poems, seed)

    there = {sample.line for sample in ends.samples}
    rhyme = {(line, source): of(RHYME, source, (line,)) for line in LINES if line in there for source in sources}
    rows = [{"line": line, "from the": source, **accuracies(found)} for (line, source), found in rhyme.items()]
    others = [
        {"what": label, "from the": source, **accuracies(of(label, source, range(1, 9)))}
        for label in ("tone of the next character", "form", "number of the line")
        for source in sources
    ]
    text = TEXT.format(share=1 - CHOSEN, poems=len({sample.poem for sample in ends.samples}))
    tables = f"{text}\n\n{markdown(rows)}\n\n{markdown(others)}"
    return Findings(tables, {"probe": picture(rhyme, list(sources))})


def accuracies(found: Accuracy) -> dict[str, str]:
    """What a row of a table has of them."""
    return {
        "accuracy": f"{found.found:.1%} ± {found.error:.1%}",
        "shuffled": f"{found.shuffled:.1%}",
        "commonest": f"{found.commonest:.1%}",
        "lines": f"{found.lines:,}",
    }


def picture(rhyme: dict[tuple[int, str], Accuracy], sources: list[str]) -> Figure:
    """Accuracy for the rhyme of line 2, line by line."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    lines = sorted({line for line, _ in rhyme})
    bars = {f"from the {source}": [rhyme[line, source] for line in lines] for source in sources}
    width = 0.8 / (len(bars) + 2)
    for number, ((name, found), color) in enumerate(zip(bars.items(), COLORS, strict=False)):
        errors = [accuracy.error for accuracy in found]
        axes.bar(
            np.arange(len(lines)) + number * width,
            [a.found for a in found],
            width,
            color=color,
            yerr=errors,
            label=name,
        )
    first = bars[f"from the {sources[0]}"]
    for number, (name, values) in enumerate(
        {"labels shuffled": [a.shuffled for a in first], "commonest class": [a.commonest for a in first]}.items(),
        len(bars),
    ):
        axes.bar(
            np.arange(len(lines)) + number * width, values, width, color=COLORS[-2 + number - len(bars)], label=name
        )
    axes.set_xticks(np.arange(len(lines)) + 0.3, [f"line {line}" + ("" if line % 2 else ", rhymes") for line in lines])
    axes.set(ylabel="accuracy", title="The rhyme group of line 2, told before the last character of a later line")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(axis="y", alpha=0.3)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", frameon=False)
    return figure
