"""Whether a model has learnt what titles say of poems."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from tang.data.batches import PoemLoader
from tang.data.sequences import Sequences
from tang.tasks.poem_model import PoemModelBase


@torch.inference_mode()
def title_share(model: PoemModelBase, sequences: Sequences, batch_size: int) -> float | None:
    """The share of poems that are likelier after their own title than after the next poem's; chance is one half.

    Poems whose title is empty, or the next one's, don't count; None if no poem does.
    """
    titles = sequences.titles
    assert titles is not None, "the corpus is prepared without titles"
    texts = [titles[index].tolist() for index in range(len(titles))]
    others = texts[1:] + texts[:1]
    counts = np.array([bool(own) and own != other for own, other in zip(texts, others, strict=True)])
    if not counts.any():
        return None
    swapped = Sequences(
        np.concatenate([np.array(other, titles.tokens.dtype) for other in others]),
        np.cumsum([0, *map(len, others)]),
    )
    own, other = (_losses(model, replace(sequences, titles=each), batch_size) for each in (titles, swapped))
    return float((own < other)[torch.from_numpy(counts)].double().mean())


def _losses(model: PoemModelBase, sequences: Sequences, batch_size: int) -> Tensor:
    """(N,) −ln p of each poem after its title."""
    device = model.network.head.weight.device
    loader = PoemLoader(sequences, batch_size, titled=np.ones((1, len(sequences)), dtype=bool))
    found = torch.empty(len(sequences), dtype=torch.float64)
    for indices, batch in zip(loader.batcher.batches(0), loader, strict=True):
        on_device = batch._replace(inputs=batch.inputs.to(device), targets=batch.targets.to(device))
        found[torch.from_numpy(indices)] = model.nll(on_device).double().sum(1).cpu()
    return found
