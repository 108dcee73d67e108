"""From starts to finished poems."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from tang.corpus.clean import MARKS, Script
from tang.corpus.forms import DEFAULT_FORM, FORMS, Form
from tang.data.vocabulary import Vocabulary
from tang.errors import InputError
from tang.tasks.network import Network
from tang.verse.beam import search
from tang.verse.constraints import Contains, NoCopy, NoRepeat
from tang.verse.decoding import Decoded, Settings, decode
from tang.verse.layout import Layout, form_for, in_vocabulary
from tang.verse.novelty import Spans
from tang.verse.poem import Poem
from tang.verse.regulated import Regulated
from tang.verse.rules import Rules
from tang.verse.wishes import Wishes

TRIES = 10
"""Of a poem for which the constraints leave nothing at some place, before it is given up."""


@dataclass(frozen=True)
class Asked:
    """A poem that is to be written."""

    start: str
    """As it was given."""
    text: str
    """As the model knows it."""
    given: tuple[int, ...]
    """(S,) the symbol that a slot must have, −1 where the model draws it."""
    place: int
    """In the answer."""
    number: int
    """How many poems for this start come before it."""
    tries: int = 1


@dataclass(frozen=True)
class Writer:
    """Writes the poems of one layout, so many at once; see :func:`write`."""

    network: Network
    rules: Rules
    settings: Settings
    seed: int
    spans: Spans | None
    beam_size: int | None

    def write(self, asked: Sequence[Asked]) -> Iterator[tuple[Asked, list[Poem], int]]:
        """Of each its poem, of a beam several, best first; and a slot where nothing was left, −1 if there is none."""
        layout, wishes, beams = self.rules.layout, self.rules.wishes, self.beam_size or 1
        given = torch.tensor([poem.given for poem in asked])
        no_repeat = NoRepeat(given, layout.lines, len(layout.vocabulary)) if wishes.no_repeat else None
        regulated = Regulated(self.rules, given, no_repeat) if wishes.rhyme or wishes.tones else None
        contains = Contains(wishes.words(layout), given, layout.lines, len(layout.vocabulary))
        no_copy = NoCopy(self.spans, given, layout.lines) if self.spans else None
        constraints = [part for part in (no_repeat, regulated, contains, no_copy) if part]
        if self.beam_size:
            decoded = search(self.network, layout.mask(), given, self.beam_size, constraints)
        else:
            streams = [stream(self.seed, poem.text, poem.number, len(layout.slots), poem.tries) for poem in asked]
            decoded = decode(self.network, layout.mask(), given, self.settings, torch.stack(streams), constraints)
        for poem, dead_ends, first in zip(asked, decoded.dead_end.view(-1, beams), count(0, beams)):
            rows = [first + beam for beam, dead_end in enumerate(dead_ends.tolist()) if dead_end < 0]
            yield poem, [self._read(poem, row, decoded, regulated, contains) for row in rows], int(dead_ends.max())

    @property
    def draws(self) -> bool:
        """Whether another try can give another poem."""
        return self.beam_size is None and self.settings.temperature > 0

    def stuck(self, asked: Asked, found: int, dead_end: int) -> str:
        """Why so few poems were ``found``: the slot ``dead_end`` is where nothing was left."""
        start = f"start={asked.start}" if asked.start else ""
        wishes = " ".join(filter(None, (start, str(self.rules.wishes), "no_copy=true" if self.spans else "")))
        if found:
            return f"{wishes}: beam search finds {found} poems and no more; ask for n={found}, or raise beam_size"
        lines = self.rules.layout.lines
        line = int(lines[: dead_end + 1].max())
        place = int((lines[: dead_end + 1] == line).sum())
        tries = f" in {asked.tries} tries" if asked.tries > 1 else ""
        return f"{wishes}: nothing is left for line {line + 1}, character {place}{tries}; leave one of the wishes out"

    def _read(self, asked: Asked, row: int, decoded: Decoded, regulated: Regulated | None, contains: Contains) -> Poem:
        layout, wishes = self.rules.layout, self.rules.wishes
        pattern, group = regulated.outcome(row) if regulated else (None, None)
        lines = layout.read(decoded.ids[row].tolist())
        absent = zip(wishes.contains, contains.missing()[row].tolist(), strict=True)
        couplets = ["".join(map("".join, lines[i : i + 2])) for i in range(0, len(lines), 2)]
        return Poem(
            start=asked.start,
            form=str(layout.form),
            lines=[line for line, _ in lines],
            text="\n".join(couplets),
            log_likelihood=decoded.log_likelihood[row].item(),
            pattern=str(pattern) if pattern else None,
            rhyme=str(group) if group else None,
            missing=[word for word, is_absent in absent if is_absent],
            tries=asked.tries,
        )


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

    A poem's random numbers follow from ``seed``, its start, and how many poems for this start come before
    it; see :func:`stream`. So in float32 it is the same whatever else is asked for beside it, and whatever
    the batch size, but for the last bits of products: they change hardly one poem in a thousand. In bfloat16
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
    console = Console(stderr=True)
    progress = Progress(console=console, transient=True, disable=not (show_progress and console.is_terminal))
    bar = progress.add_task("Writing", total=n * len(starts))
    try:
        with progress, torch.autocast(device, torch.bfloat16, enabled=precision == "bf16-mixed"):
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
                    progress.update(bar, completed=sum(map(len, poems.values())))
    finally:
        network.train(was_training)
    return [poem for place in sorted(poems) for poem in poems[place]]


def stream(seed: int, start: str, number: int, slots: int, tries: int = 1) -> Tensor:
    """(S, 2) float32 in [0, 1): the random numbers of the poem with this number among those with this start.

    ``tries`` counts the attempts at it; each has other numbers.
    """
    sequence = np.random.SeedSequence([seed, number, *map(ord, start)], spawn_key=() if tries == 1 else (tries,))
    return torch.from_numpy(np.random.default_rng(sequence).random((slots, 2), dtype=np.float32))


def known_starts(vocabulary: Vocabulary, starts: Sequence[str]) -> list[str]:
    """Those of ``starts`` whose characters are all in the vocabulary, in one script or the other."""
    return [start for start in starts if all(character in vocabulary for character in in_vocabulary(start, vocabulary))]
