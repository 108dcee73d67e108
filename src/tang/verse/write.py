"""From starts to finished poems."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from tang.corpus.clean import MARKS
from tang.corpus.forms import DEFAULT_FORM, FORMS, Form
from tang.data.vocabulary import Vocabulary
from tang.errors import InputError
from tang.tasks.network import Network
from tang.verse.decoding import Settings, decode
from tang.verse.layout import Layout, form_for


@dataclass(frozen=True)
class Poem:
    """A poem that a model wrote."""

    start: str
    form: str
    lines: list[str]
    """Characters alone."""
    text: str
    """With punctuation, a couplet a line."""
    log_likelihood: float
    """ln p of all characters and of the marks that the model wrote, the start included."""


def write(
    network: Network,
    vocabulary: Vocabulary,
    starts: Sequence[str],
    form: Form | None = None,
    default_form: Form = FORMS[DEFAULT_FORM],
    n: int = 1,
    settings: Settings = Settings(),
    seed: int = 1,
    batch_size: int = 256,
    precision: str = "32-true",
) -> list[Poem]:
    """``n`` poems for each of ``starts``.

    A poem's random numbers follow from ``seed``, its start, and how many poems for this start come before
    it; see :func:`stream`. So in float32 it is the same whatever else is asked for beside it, and whatever
    the batch size, but for the last bits of products: they change hardly one poem in a thousand. In bfloat16
    they change more, and only the same request in the same batches gives the same poems.

    Args:
        network: puts itself in evaluation mode here, and back afterwards.
        vocabulary: the network's.
        starts: what the poems begin with, from one character to the whole poem.
        form: of all poems; None: of the start, when it is a whole line of five or seven, else ``default_form``.
        default_form: see ``form``.
        n: how many for each start.
        settings: how symbols are drawn.
        seed: of the random numbers.
        batch_size: poems written at once; changes speed and memory.
        precision: of the products, ``32-true`` or ``bf16-mixed``.

    Raises:
        InputError: a start doesn't fit the form, or has a character outside the vocabulary.
    """
    if not starts:
        raise InputError("start: give something to begin with, start=日")
    cleaned = ["".join(start.split()).translate(MARKS) for start in starts]
    layouts = [Layout(form or form_for(start, default_form), vocabulary) for start in cleaned]
    placed = [
        [-1 if id is None else id for id in layout.place(start)] for layout, start in zip(layouts, cleaned, strict=True)
    ]
    earlier = [n * cleaned[:index].count(start) for index, start in enumerate(cleaned)]
    poems: list[list[Poem]] = [[] for _ in starts]
    was_training = network.training
    network.eval()
    with torch.autocast(network.head.weight.device.type, torch.bfloat16, enabled=precision == "bf16-mixed"):
        for layout in dict.fromkeys(layouts):
            mask = layout.mask()
            asked = [(index, copy) for index, other in enumerate(layouts) if other == layout for copy in range(n)]
            for begin in range(0, len(asked), batch_size):
                batch = asked[begin : begin + batch_size]
                given = torch.tensor([placed[index] for index, _ in batch])
                streams = [stream(seed, cleaned[index], earlier[index] + copy, len(mask)) for index, copy in batch]
                decoded = decode(network, mask, given, settings, torch.stack(streams))
                for (index, _), ids, log_p in zip(batch, *(part.tolist() for part in decoded), strict=True):
                    poems[index].append(_poem(starts[index], layout, ids, log_p))
    network.train(was_training)
    return [poem for of_start in poems for poem in of_start]


def stream(seed: int, start: str, number: int, slots: int) -> Tensor:
    """(S, 2) float32 in [0, 1): the random numbers of the poem with this number among those with this start."""
    generator = np.random.default_rng([seed, number, *map(ord, start)])
    return torch.from_numpy(generator.random((slots, 2), dtype=np.float32))


def _poem(start: str, layout: Layout, ids: list[int], log_likelihood: float) -> Poem:
    lines = layout.lines(ids)
    couplets = ["".join(map("".join, lines[i : i + 2])) for i in range(0, len(lines), 2)]
    return Poem(start, str(layout.form), [line for line, _ in lines], "\n".join(couplets), log_likelihood)


def known_starts(vocabulary: Vocabulary, starts: Sequence[str]) -> list[str]:
    """Those of ``starts`` whose characters are all in the vocabulary."""
    return [start for start in starts if all(character in vocabulary for character in start)]


def as_text(poems: Sequence[Poem]) -> str:
    """Poems with a blank line between them."""
    return "\n\n".join(poem.text for poem in poems)


def as_json(poems: Sequence[Poem]) -> str:
    """A JSON list of objects with the fields of :class:`Poem`."""
    return json.dumps([asdict(poem) for poem in poems], ensure_ascii=False, indent=1)
