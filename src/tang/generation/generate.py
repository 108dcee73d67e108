"""From starts to finished poems."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from rich.console import Console
from rich.progress import Progress

from tang.data.vocabulary import Vocabulary
from tang.errors import InputError
from tang.generation.overlap import Spans
from tang.generation.poem import Poem
from tang.generation.prosody_rules import Rules
from tang.generation.request import Wishes
from tang.generation.sampling import Settings
from tang.generation.slots import Layout, form_for, in_vocabulary
from tang.generation.writer import Asked, Writer
from tang.tasks.network import Network
from tang.text.forms import DEFAULT_FORM, FORMS, Form
from tang.text.script import MARKS, Script

TRIES = 10
"""Of a poem for which the constraints leave nothing at some place, before it is given up."""


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
    wishes: Wishes = Wishes(),
    spans: Spans | None = None,
    script: Script = "simplified",
    beam_size: int | None = None,
    show_progress: bool = False,
) -> list[Poem]:
    """``n`` poems for each of ``starts``.

    A poem's random numbers follow from ``seed``, its start, and how many poems for this start come before it; see
    :func:`~tang.generation.writer.stream`. So in float32 it is the same whatever else is asked for beside it, and
    whatever the batch size, but for the last bits of products: they change hardly one poem in a thousand. In bfloat16
    they change more, and only the same request in the same batches gives the same poems.

    Args:
        network: puts itself in evaluation mode here, and back afterwards.
        vocabulary: the network's.
        starts: what the poems begin with, from one character to the whole poem; "" leaves that to the model.
        form: of all poems; None: of the start, when it is a whole line of five or seven, else ``default_form``.
        default_form: see ``form``.
        n: how many for each start.
        settings: how symbols are drawn.
        seed: of the random numbers.
        batch_size: poems written at once; changes speed and memory.
        precision: of the products, ``32-true`` or ``bf16-mixed``.
        wishes: what the poems are to be beside their form.
        spans: what stands in the training part, for poems that copy none of it.
        script: the vocabulary's.
        beam_size: how many beginnings beam search keeps, the ``n`` best of which become poems; None: draw symbols.
        show_progress: on stderr, with the time left, if that is a terminal.

    Raises:
        InputError: a start doesn't fit the form, or has a character outside the vocabulary; a wish can't be met.
    """
    if not starts:
        raise InputError("start: give something to begin with, start=日")
    cleaned = [in_vocabulary("".join(start.split()).translate(MARKS), vocabulary) for start in starts]
    layouts = [Layout(form or form_for(start, default_form), vocabulary) for start in cleaned]
    given = [wishes.place(layout, start) for layout, start in zip(layouts, cleaned, strict=True)]
    poems: dict[int, list[Poem]] = {}
    was_training = network.training
    network.eval()
    device = network.head.weight.device.type
    try:
        with (
            _progress(n * len(starts), show_progress) as show,
            torch.autocast(device, torch.bfloat16, enabled=precision == "bf16-mixed"),
        ):
            for layout in dict.fromkeys(layouts):
                writer = Writer(network, Rules(layout, wishes, script), settings, seed, spans, beam_size)
                waiting = [
                    Asked(starts[index], text, given[index], n * index + copy, n * cleaned[:index].count(text) + copy)
                    for index, text in enumerate(cleaned)
                    if layouts[index] == layout
                    for copy in range(1 if beam_size else n)
                ]
                while waiting:
                    batch, waiting = waiting[:batch_size], waiting[batch_size:]
                    for asked, found, dead_end in writer.write(batch):
                        if len(found) >= (n if beam_size else 1):
                            poems[asked.place] = found[:n]
                        elif writer.draws and asked.tries < TRIES:
                            waiting.append(replace(asked, tries=asked.tries + 1))
                        else:
                            raise InputError(writer.stuck(asked, len(found), dead_end))
                    show(sum(map(len, poems.values())))
    finally:
        network.train(was_training)
    return [poem for place in sorted(poems) for poem in poems[place]]


@contextmanager
def _progress(total: int, is_wanted: bool) -> Iterator[Callable[[int], None]]:
    """Of so many poems, on stderr: what is called with the number of those that are done."""
    if not is_wanted or not sys.stderr.isatty():
        yield lambda done: None
        return
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("Writing", total=total)
        yield lambda done: progress.update(bar, completed=done)


def known_starts(vocabulary: Vocabulary, starts: Sequence[str]) -> list[str]:
    """Those of ``starts`` whose characters are all in the vocabulary, in one script or the other."""
    return [start for start in starts if all(character in vocabulary for character in in_vocabulary(start, vocabulary))]
