"""How far back the state reaches: the loss when it begins a few characters before."""

import numpy as np
import torch
from matplotlib.figure import Figure

from tang.data.sequences import Sequences
from tang.evaluation.parts import Forgetful, Given, replaced
from tang.studies.findings import Findings
from tang.studies.inside.reading import TokenList, mean_and_error, read_poems
from tang.tables import markdown
from tang.tasks.poem_model import PoemModelBase

SIZES = (1, 2, 4, 8, 16, 32, 60)
SHOWN = ("ends of even lines, which rhyme", "ends of odd lines", "within line 1", "within later lines", "marks")
COLORS = ("#D55E00", "#E69F00", "#56B4E9", "#0072B2", "#009E73", "#000000")

TEXT = """\
## 5. How far back

Nats a token that the model loses if its state begins anew so many characters before each token, ± the standard error
over {poems:,} poems; marks are characters here (Khandelwal and others 2018, Sharp Nearby, Fuzzy Far Away).{echo}"""
ECHO = "\nWhat stands above is told all the same: only the state is cut."


@torch.inference_mode()
def context(model: PoemModelBase, sequences: Sequences) -> Findings:
    """A table and a picture."""
    network, of_size = model.network, {size: TokenList(model.vocabulary) for size in SIZES}
    whole = TokenList(model.vocabulary)
    for poems in read_poems(sequences):
        whole.add(poems, model.nll(poems.batch))
        forgetful = Forgetful(network.recurrent, SIZES)
        with replaced(network, "recurrent", forgetful):
            network.read(poems.batch.inputs)
        for size, outputs in forgetful.outputs.items():
            with replaced(network, "recurrent", Given(outputs)):
                of_size[size].add(poems, model.nll(poems.batch))
    tokens = whole.tokens()
    lost = {size: found.tokens().nll - tokens.nll for size, found in of_size.items()}
    groups = tokens.groups(SHOWN)
    rows = []
    for size, values in lost.items():
        cells = {"characters": str(size)}
        for name, chosen in groups.items():
            mean, error = mean_and_error(values[chosen], tokens.poem[chosen])
            cells[name] = f"{mean:.3f} ± {error:.3f}"
        rows.append(cells)
    text = TEXT.format(poems=len(sequences), echo=ECHO if network.echo else "")
    return Findings(f"{text}\n\n{markdown(rows)}", {"context": picture(lost, groups)})


def picture(lost: dict[int, np.ndarray], groups: dict[str, np.ndarray]) -> Figure:
    """The losses by how much is given."""
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    axes = figure.subplots()
    for (name, chosen), color in zip(groups.items(), COLORS, strict=False):
        means = [values[chosen].mean() for values in lost.values()]
        axes.plot(list(lost), means, "o-", color=color, label=name, lw=3 if name == "everywhere" else 1.5)
    axes.set_xscale("log", base=2)
    axes.set_xticks(list(lost), map(str, lost))
    axes.set(
        xlabel="characters that the state has read", ylabel="nats a token lost", title="How far back the state reaches"
    )
    axes.grid(alpha=0.3)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right center", frameon=False)
    return figure
