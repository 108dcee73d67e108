"""Cells that count: what they follow, and what becomes of the verse without them."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from tang.config.studies import Inside
from tang.data.sequences import Sequences
from tang.data.vocabulary import BOS, Vocabulary
from tang.errors import InputError
from tang.evaluation.parts import Recorded, replaced
from tang.evaluation.places import Places
from tang.fonts import label, with_chinese
from tang.studies.findings import Findings
from tang.studies.inside.reading import COUNTED, counted, mean_and_error, read_poems
from tang.tables import markdown
from tang.tasks.poem_model import PoemModelBase
from tang.text.forms import PUNCTUATION, shape_of

SHOWN = 5
DRAWS = 5  # sets of random cells
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")

TEXT = """\
## 3. Cells that count

How much of the variance of a cell of the last layer follows, in a straight line, from the place in the line, the number
of the line or its length (R² over all held-out tokens but ends of poems):"""
ABLATION = """\
The {count} best for each held at their mean, and as many random others, {draws} times: the probability of a mark where
a line ends, where none does, and among these after five characters of seven; the nats a token lost. {poems} poems with
lines of five and of seven, ± the standard error over poems (of random cells: the standard deviation over draws)."""


class Moments:
    """Sums over tokens from which means and correlations follow, for the cells of one layer."""

    def __init__(self, size: int) -> None:
        self.count = 0
        self.cell, self.square = (torch.zeros(size, dtype=torch.float64) for _ in range(2))
        self.numbers, self.number_squares = (
            torch.zeros(len(COUNTED), dtype=torch.float64),
            torch.zeros(len(COUNTED), dtype=torch.float64),
        )
        self.products = torch.zeros(len(COUNTED), size, dtype=torch.float64)

    def add(self, cell: Tensor, numbers: Tensor, is_token: Tensor) -> None:
        """Add ``cell`` (T, B, H) with the ``numbers`` (3, B, T) of :data:`COUNTED`, where ``is_token`` (B, T)."""
        values = cell[is_token.T].double()
        counted = numbers.transpose(1, 2)[:, is_token.T].double()
        self.count += len(values)
        self.cell += values.sum(0)
        self.square += values.square().sum(0)
        self.numbers += counted.sum(1)
        self.number_squares += counted.square().sum(1)
        self.products += counted @ values

    @property
    def mean(self) -> Tensor:
        """(H,) of each cell."""
        return self.cell / self.count

    @property
    def variance(self) -> Tensor:
        """(H,) of each cell."""
        return self.square / self.count - self.mean.square()

    @property
    def r2(self) -> Tensor:
        """(3, H) the squared correlation of each cell with each of :data:`COUNTED`."""
        covariance = self.products / self.count - self.numbers[:, None] / self.count * self.mean
        of_numbers = self.number_squares / self.count - (self.numbers / self.count).square()
        return covariance.square() / (self.variance * of_numbers[:, None]).clamp(min=1e-12)


class Verse(NamedTuple):
    """N tokens of poems with lines of one length."""

    poem: np.ndarray  # (N,)
    place: np.ndarray  # (N,) in the line, from 0
    is_end: np.ndarray  # (N,) bool: a mark is to be predicted
    mark: np.ndarray  # (N,) the probability of any mark
    nll: np.ndarray  # (N,) −ln p


@torch.inference_mode()
def read_verse(model: PoemModelBase, sequences: Sequences, held: Tensor, value: Tensor) -> Verse:
    """The tokens of ``sequences`` with the cells ``held`` of the last layer at their ``value``."""
    is_mark = Places(model.vocabulary, torch.device("cpu")).is_mark
    found = []
    for poems in read_poems(sequences):
        inputs, targets, _ = poems.batch
        with replaced(model.network, "recurrent", Recorded(model.network.recurrent, held, value[held])):
            log_p = model.network.head(model.network.read(inputs).features).log_softmax(-1).transpose(0, 1)
        owner = poems.rows[:, None].expand_as(targets)
        nll = -log_p.gather(2, targets[:, :, None])[:, :, 0]
        place = counted(model.vocabulary, poems)[0]
        columns = (owner, place, is_mark[targets], log_p[:, :, is_mark].exp().sum(-1), nll)
        found.append([column[poems.is_token] for column in columns])
    return Verse(*(torch.cat(column).numpy() for column in zip(*found, strict=True)))


def cells(
    model: PoemModelBase, moments: Moments, sequences: Sequences, poems: tuple[str, ...], options: Inside, seed: int
) -> Findings:
    """Tables and a picture of ``poems``; the ablation on poems of ``sequences``."""
    order = moments.r2.argsort(dim=1, descending=True)
    rows = [
        {
            "follows": name,
            "best cells": ", ".join(map(str, best[:SHOWN].tolist())),
            "R²": ", ".join(f"{value:.2f}" for value in r2[best[:SHOWN]].tolist()),
            "cells above .5": int((r2 > 0.5).sum()),
            "median": f"{float(r2.median()):.3f}",
        }
        for name, best, r2 in zip(COUNTED, order, moments.r2, strict=True)
    ]
    text = ABLATION.format(count=options.cells, draws=DRAWS, poems=options.poems)
    groups = {
        f"{options.cells} of the {name}": best[: options.cells] for name, best in zip(COUNTED, order, strict=True)
    }
    if options.held:
        if max(options.held) >= len(moments.mean):
            raise InputError(f"study.held={max(options.held)}: the layer has cells 0 to {len(moments.mean) - 1}")
        groups[", ".join(map(str, options.held))] = torch.tensor(options.held)
    ablation = []
    for chars in (5, 7):
        chosen = with_lines_of(sequences, model.vocabulary, chars, options.poems)
        if len(chosen):
            rows_of = ablated(model, chosen, groups, moments.mean, options.cells, seed)
            ablation += [{"lines of": chars, **row} for row in rows_of]
    tables = f"{TEXT}\n\n{markdown(rows)}\n\n{text}\n\n{markdown(ablation)}"
    return Findings(tables, {"cells": picture(model, moments, order[:, :SHOWN], poems)})


def with_lines_of(sequences: Sequences, vocabulary: Vocabulary, chars: int, count: int) -> Sequences:
    """The first ``count`` poems whose lines all have ``chars`` characters."""
    texts = (vocabulary.decode(sequences[row]) for row in range(len(sequences)))
    chosen = [row for row, text in enumerate(texts) if shape_of(text).chars == chars][:count]
    lengths = sequences.lengths[chosen] + 1
    tokens = [sequences.tokens[:0], *(sequences[row] for row in chosen)]
    return Sequences(np.concatenate(tokens), np.append(0, lengths.cumsum()))


def ablated(
    model: PoemModelBase, sequences: Sequences, groups: Mapping[str, Tensor], mean: Tensor, count: int, seed: int
) -> Iterator[dict[str, str]]:
    """Rows of the table: no cells held at their ``mean``, those of each group, and ``count`` others at random."""
    value, random = mean.float(), np.random.default_rng(seed)
    whole = read_verse(model, sequences, torch.empty(0, dtype=torch.long), value)
    yield {"held": "none", **figures([whole], whole)}
    for name, held in groups.items():
        yield {"held": name, **figures([read_verse(model, sequences, held, value)], whole)}
    others = np.setdiff1d(np.arange(len(mean)), torch.cat([*groups.values()]))
    sets = [torch.from_numpy(random.permutation(others)[:count]) for _ in range(DRAWS)]
    yield {"held": f"{count} others", **figures([read_verse(model, sequences, held, value) for held in sets], whole)}


def figures(found: list[Verse], whole: Verse) -> dict[str, str]:
    """What became of the tokens: means with their errors, over poems or over draws."""
    groups = {"a mark at ends": whole.is_end, "a mark elsewhere": ~whole.is_end}
    groups["after five"] = (whole.place == 5) & ~whole.is_end
    columns = {name: [(verse.mark[there], verse.poem[there]) for verse in found] for name, there in groups.items()}
    columns["nats lost"] = [(verse.nll - whole.nll, verse.poem) for verse in found]
    shown = {}
    for name, values in columns.items():
        if len(values[0][0]):
            means, errors = zip(*(mean_and_error(*of_set) for of_set in values), strict=True)
            error = errors[0] if len(found) == 1 else float(np.std(means, ddof=1))
            shown[name] = f"{np.mean(means):.4f} ± {error:.4f}"
    return shown


@torch.inference_mode()
def picture(model: PoemModelBase, moments: Moments, best: Tensor, poems: tuple[str, ...]) -> Figure:
    """The ``best`` cells (3, K) through some poems; a row what they follow, a column a poem."""
    with with_chinese():
        figure = Figure(figsize=(14, 8), layout="constrained")
        widths = [len(poem) for poem in poems]
        grid = figure.subplots(len(COUNTED), len(poems), sharey="row", sharex="col", squeeze=False, width_ratios=widths)
        for column, poem in enumerate(poems):
            recorded = Recorded(model.network.recurrent)
            with replaced(model.network, "recurrent", recorded):
                model.network.read(torch.tensor([[BOS, *model.vocabulary.encode(poem)]]))
            paths = (recorded.records[-1].cell[:, 0] - moments.mean) / moments.variance.sqrt()
            for axes, chosen, name in zip(grid[:, column], best.tolist(), COUNTED, strict=True):
                for cell, color in zip(chosen, COLORS, strict=False):
                    axes.plot(paths[:, cell], ".-", color=color, lw=1, label=f"cell {cell}")
                for step, character in enumerate(poem):
                    if character in PUNCTUATION:
                        axes.axvline(step + 1.5, color="gray", lw=0.6, alpha=0.6)
                axes.grid(axis="y", alpha=0.3)
                if column == 0:
                    axes.set_ylabel(f"cells of the {name},\nstandard deviations")
            axes.set_xticks(range(1, len(poem) + 1), [label(character) for character in poem], fontsize=8)
        for row in grid:
            row[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8)
    return figure
