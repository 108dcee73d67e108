"""Whether a model has learnt what titles say of poems."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tang.console import tracked
from tang.data.batches import PoemLoader
from tang.data.sequences import Sequences
from tang.evaluation.losses import token_losses
from tang.tasks.poem_model import PoemModelBase


class Titles(NamedTuple):
    """What titles are worth to a model."""

    ppl: float  # Where each poem follows its title
    share: (
        float | None
    )  # Of poems that are likelier after their own title than after the next poem's; chance is one half


def measure_titles(model: PoemModelBase, sequences: Sequences, batch_size: int, precision: str = "32-true") -> Titles:
    """Perplexity of ``sequences`` after their titles, and whether these suit them.

    For the share, poems whose title is empty, or the next one's, don't count; it is None if no poem does.
    """
    titles = sequences.titles
    assert titles is not None, "the corpus is prepared without titles"
    own = _losses(model, sequences, batch_size, precision)
    ppl = float(np.exp(own.sum() / sequences.lengths.sum()))
    texts = [titles[index].tolist() for index in range(len(titles))]
    others = texts[1:] + texts[:1]
    counts = np.array([bool(text) and text != other for text, other in zip(texts, others, strict=True)])
    if not counts.any():
        return Titles(ppl, None)
    tokens = np.concatenate([np.array(other, titles.tokens.dtype) for other in others])
    swapped = replace(sequences, titles=Sequences(tokens, np.cumsum([0, *map(len, others)])))
    is_likelier = own < _losses(model, swapped, batch_size, precision)
    return Titles(ppl, float(is_likelier[counts].mean()))


def _losses(model: PoemModelBase, sequences: Sequences, batch_size: int, precision: str) -> np.ndarray:
    """(N,) −ln p of each poem after its title."""
    loader = PoemLoader(sequences, batch_size, titled=np.ones((1, len(sequences)), dtype=bool))
    nll = token_losses(model, tracked(loader, "Evaluating with titles"), precision).nll.numpy()
    order = np.concatenate(loader.batcher.batches(0))
    begins = np.cumsum([0, *sequences.lengths[order][:-1]])
    found = np.empty(len(sequences))
    found[order] = np.add.reduceat(nll, begins)
    return found
