"""A trained model reads held-out poems: every token, and what happens in its layers meanwhile."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from tang.data.batches import Batch
from tang.data.sequences import Sequences
from tang.data.vocabulary import EOS, PAD, Vocabulary
from tang.evaluation.places import PLACES, Places
from tang.tasks.echo import above
from tang.tasks.poem_model import PoemModelBase

TOKENS_AT_ONCE = 4096


class Poems(NamedTuple):
    """Some poems side by side."""

    rows: Tensor  # (B,) their numbers in the sequences
    batch: Batch

    @property
    def is_token(self) -> Tensor:
        """(B, T) bool: where there is something to predict."""
        return self.batch.targets != PAD


def read_poems(sequences: Sequences) -> Iterator[Poems]:
    """All sequences, the shortest first, some :data:`TOKENS_AT_ONCE` at a time."""
    order, begin = np.argsort(sequences.lengths, kind="stable"), 0
    while begin < len(order):
        end = begin + 1
        while end < len(order) and (end + 1 - begin) * sequences.lengths[order[end]] <= TOKENS_AT_ONCE:
            end += 1
        rows = order[begin:end]
        ids = pad_sequence([torch.from_numpy(sequences[row].astype(np.int64)) for row in rows], True, PAD)
        yield Poems(torch.from_numpy(rows), Batch.of(ids, float(sequences.lengths[rows].sum())))
        begin = end


class Tokens(NamedTuple):
    """N tokens, poem by poem as in the sequences they come from."""

    poem: np.ndarray  # (N,) number of the poem
    place: np.ndarray  # (N,) index in PLACES
    line: np.ndarray  # (N,) number of the line, from 1
    nll: np.ndarray  # (N,) −ln p, float64

    def groups(self, places: Sequence[str] = PLACES) -> dict[str, np.ndarray]:
        """Which tokens stand everywhere, and at each of ``places`` where there are any; each (N,) bool."""
        of_place = {name: self.place == PLACES.index(name) for name in places}
        everywhere = {"everywhere": np.full(len(self.nll), True)}
        return everywhere | {name: chosen for name, chosen in of_place.items() if chosen.any()}


class TokenList:
    """Collects :class:`Tokens`."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._places = Places(vocabulary, torch.device("cpu"))
        self._found: list[list[Tensor]] = []

    def add(self, poems: Poems, nll: Tensor) -> None:
        """Add a batch with its ``nll`` (B, T)."""
        batch, kept = poems.batch, poems.is_token
        line = self._places.begins_line[batch.inputs].cumsum(1)
        owner = poems.rows[:, None].expand_as(nll)
        columns = (owner, torch.arange(nll.shape[1]).expand_as(nll), self._places.of(batch), line, nll.double())
        self._found.append([column[kept] for column in columns])

    def tokens(self) -> Tokens:
        """All of them."""
        poem, position, *rest = (torch.cat(column).numpy() for column in zip(*self._found, strict=True))
        order = np.lexsort((position, poem))
        return Tokens(poem[order], *(column[order] for column in rest))


@torch.inference_mode()
def read_tokens(model: PoemModelBase, batches: Iterable[Poems]) -> Tokens:
    """What the model makes of each token."""
    found = TokenList(model.vocabulary)
    for poems in batches:
        found.add(poems, model.nll(poems.batch))
    return found.tokens()


COUNTED = ("place in the line", "number of the line", "length of the line")


def counted(vocabulary: Vocabulary, poems: Poems) -> Tensor:
    """(3, B, T) the :data:`COUNTED` of each target: its place from 0, its line from 1, and that line's characters."""
    places = Places(vocabulary, torch.device("cpu"))
    ends, is_mark = places.begins_line, places.is_mark
    inputs, targets, _ = poems.batch
    _, place = above(inputs, ends, 0)
    line = ends[inputs].cumsum(1)
    is_character = poems.is_token & ~is_mark[targets] & (targets != EOS)
    characters = torch.zeros(len(line), int(line.max()) + 1, dtype=torch.long).scatter_add_(
        1, line, is_character.long()
    )
    return torch.stack((place, line, characters.gather(1, line)))


def mean_and_error(values: np.ndarray, poem: np.ndarray) -> tuple[float, float]:
    """The mean of ``values`` (N,) and its standard error, where those of a poem (N,) belong together."""
    mean = values.mean()
    sums = np.bincount(poem, values - mean)
    return float(mean), float(np.sqrt(np.square(sums).sum()) / len(values))
