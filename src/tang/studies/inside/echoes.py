"""What each part of the input is worth: nats lost without it."""

from collections.abc import Iterator
from textwrap import fill

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from tang.data.sequences import Sequences
from tang.evaluation.parts import Constant, replaced
from tang.studies.findings import Findings, heat_map
from tang.studies.inside.reading import mean_and_error, read_poems, read_tokens
from tang.tables import markdown
from tang.tasks.echo import above
from tang.tasks.poem_model import PoemModelBase

TEXT = """\
## 6. What the parts of the input do

Nats a token that the model loses if a part of its input is always the mean of its embeddings, ± the standard error over
{poems:,} poems. ~ means less than two standard errors."""


@torch.inference_mode()
def echoes(model: PoemModelBase, sequences: Sequences) -> Findings:
    """A table and a picture."""
    whole, lost = read_tokens(model, read_poems(sequences)), {}
    for name, parent, attribute, ids in parts(model, sequences):
        embedding = parent.get_submodule(attribute)
        assert isinstance(embedding, nn.Embedding)
        mean = embedding(ids).mean(0)
        with replaced(parent, attribute, Constant(mean)):
            lost[name] = read_tokens(model, read_poems(sequences)).nll - whole.nll
    groups = whole.groups()
    rows, means = [], np.zeros((len(lost), len(groups)))
    for row, (part, values) in enumerate(lost.items()):
        cells: dict[str, str] = {}
        for column, (name, chosen) in enumerate(groups.items()):
            means[row, column], error = mean_and_error(values[chosen], whole.poem[chosen])
            sign = "" if abs(means[row, column]) > 2 * error else "~"
            cells[name] = f"{sign}{means[row, column]:.3f} ± {error:.3f}"
        rows.append({"without": part, **cells})
    text = TEXT.format(poems=len(sequences))
    return Findings(f"{text}\n\n{markdown(rows)}", {"echoes": picture(means, list(lost), list(groups))})


def parts(model: PoemModelBase, sequences: Sequences) -> Iterator[tuple[str, nn.Module, str, Tensor]]:
    """The parts of the input: name, the module that holds its embedding, that one's name, the ids that it embeds."""
    network, echo = model.network, model.network.echo
    read = [(poems.batch.inputs, poems.is_token) for poems in read_poems(sequences)]
    yield "the character before", network, "embedding", torch.cat([ids[kept] for ids, kept in read])
    if echo is None:
        return
    found = [above(ids, echo.ends, len(echo.lines), echo.line_length) for ids, _ in read]
    for line in range(len(echo.lines)):
        ids = torch.cat([symbols[..., line][kept] for (symbols, _), (_, kept) in zip(found, read, strict=True)])
        yield f"{'one line' if line == 0 else f'{line + 1} lines'} above", echo.lines, str(line), ids
    places = torch.cat([place[kept] for (_, place), (_, kept) in zip(found, read, strict=True)])
    yield "the place in the line", echo, "place", places.clamp(max=echo.place.num_embeddings - 1)


def picture(means: np.ndarray, rows: list[str], columns: list[str]) -> Figure:
    """The losses as a heat map."""
    figure = Figure(figsize=(11, 1.6 + 0.6 * len(rows)), layout="constrained")
    axes = figure.subplots()
    shades = np.sign(means) * np.log1p(10 * np.abs(means))
    top = max(abs(shades).max(), 1e-9)
    heat_map(axes, means, rows, 2, shades, 0.6 * top, cmap="RdBu_r", vmin=-top, vmax=top)
    axes.set_xticks(range(len(columns)), [fill(name, 12) for name in columns], fontsize=8)
    axes.set_title("nats a token lost without a part of the input")
    return figure
