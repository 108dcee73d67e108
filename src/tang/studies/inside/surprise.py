"""Where a language model gains on counting: surprise by place, beside a trigram model's."""

import math

import numpy as np
from matplotlib.figure import Figure

from tang.fonts import label, with_chinese
from tang.studies.findings import Findings
from tang.studies.inside.reading import Tokens, mean_and_error
from tang.tables import markdown

TEXT = """\
## 1. Surprise

−log₂ p of a token in bits, under the model and under a Kneser–Ney trigram model of the train split; {poems:,} poems,
{tokens:,} tokens. The gain is the trigram's surprise less the model's, ± its standard error over poems; the share says
how much of the whole gain stands there."""

COLORS = ("#0072B2", "#E69F00")  # Of the model and of the trigram, in Okabe and Ito's palette
LINES = 8


def surprise(tokens: Tokens, trigram_nll: np.ndarray, poem: str, of_poem: tuple[np.ndarray, np.ndarray]) -> Findings:
    """Tables by place and by line; a picture of these and of one poem.

    Args:
        trigram_nll: (N,) of the same tokens.
        poem: a poem's characters and marks.
        of_poem: −ln p of each of them, and of its end, under the model and under the trigram model.
    """
    bits, others = tokens.nll / math.log(2), trigram_nll / math.log(2)
    by_line = {f"line {line}": tokens.line == line for line in range(1, LINES + 1)}
    groups = tokens.groups() | {name: chosen for name, chosen in by_line.items() if chosen.any()}
    rows = []
    for name, chosen in groups.items():
        gain, error = mean_and_error((others - bits)[chosen], tokens.poem[chosen])
        rows.append(
            {
                "where": name,
                "tokens": f"{chosen.sum():,}",
                "model": f"{bits[chosen].mean():.2f}",
                "trigram": f"{others[chosen].mean():.2f}",
                "gain, bits": f"{gain:.2f} ± {error:.2f}",
                "share": f"{(others - bits)[chosen].sum() / (others - bits).sum():.0%}",
            }
        )
    text = TEXT.format(poems=len(np.unique(tokens.poem)), tokens=len(bits))
    return Findings(f"{text}\n\n{markdown(rows)}", {"surprise": picture(groups, bits, others, poem, of_poem)})


def picture(
    groups: dict[str, np.ndarray],
    bits: np.ndarray,
    others: np.ndarray,
    poem: str,
    of_poem: tuple[np.ndarray, np.ndarray],
) -> Figure:
    """One poem character by character, above the means of all."""
    with with_chinese():
        figure = Figure(figsize=(11, 7.5), layout="constrained")
        top, bottom = figure.subplots(2, height_ratios=(2, 3))
        for number, (nll, color, name) in enumerate(zip(of_poem, COLORS, ("model", "trigram"), strict=True)):
            top.bar(np.arange(len(nll)) + 0.4 * number - 0.2, nll / math.log(2), 0.4, color=color, label=name)
        top.set_xticks(range(len(poem) + 1), [*map(label, poem), "end"], fontsize=12)
        top.set(title="One poem: how surprising each character is", ylabel="surprise, bits", xlim=(-1, len(poem) + 1))
        names = list(groups)[::-1]
        for number, (values, color) in enumerate(zip((bits, others), COLORS, strict=True)):
            means = [values[groups[name]].mean() for name in names]
            bottom.barh(np.arange(len(names)) - 0.4 * number + 0.2, means, 0.4, color=color)
        bottom.set_yticks(range(len(names)), names)
        bottom.set(title="All held-out poems: the mean", xlabel="surprise, bits")
        for axes, axis in ((top, "y"), (bottom, "x")):
            axes.grid(axis=axis, alpha=0.3)
            axes.set_axisbelow(True)
        top.legend(frameon=False, ncols=2)
    return figure
