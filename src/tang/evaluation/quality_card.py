"""The quality card of a model: its poems, free and under constraints, beside real ones and beside chance."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tang.data.batches import PoemLoader
from tang.data.poems import PoemDataModule
from tang.data.prepare import Sequences
from tang.data.split import Part
from tang.errors import InputError
from tang.evaluation import trigram
from tang.evaluation.measures import Figure
from tang.evaluation.perplexity import losses, tracked
from tang.evaluation.quality import Judge, held_out, shuffled
from tang.generation.constraints import Acrostic, Constraint, Contains, NoCopy, NoRepeat, Regulated
from tang.generation.generate import generate
from tang.generation.overlap import Spans
from tang.generation.request import Request
from tang.tables import markdown
from tang.tasks.language_model import LanguageModel
from tang.text.forms import FORMS, Form

log = logging.getLogger(__name__)

WISHES: dict[str, list[Constraint]] = {
    "free": [],
    "rhyme": [Regulated(rhyme="true")],
    "strict tones": [Regulated(tones="strict")],
    "rhyme, loose tones": [Regulated(rhyme="true", tones="loose")],
    "rhyme, strict tones": [Regulated(rhyme="true", tones="strict")],
    "acrostic": [Acrostic("春夏秋冬")],
    "contains": [Contains(["月", "酒"])],
    "no_repeat": [NoRepeat(True)],
    "no_copy": [NoCopy(True)],
}
"""What the model is asked for."""

SHARES = {
    *("form", "rhyme", "rhyme, any tone", "tones, places", "tones, poems", "regular", "regular, strictly"),
    *("repetition", "lines found", "first try"),
}
"""The figures printed as percentages."""

DECIMALS = {"longest span": 2, "longest of all": 0, "seconds": 4}
"""Of the others, where they aren't three."""

Figures = dict[str, Figure]


@dataclass(frozen=True)
class PoemCard:
    """Figures of sets of poems; docs/verse.md defines them."""

    split: str
    """The part that the real poems are from."""
    temperature: float
    seed: int
    forms: dict[str, dict[str, Figures]]
    """Form → set (``real``, ``chance`` and those of :data:`WISHES`) → figure."""

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def text(self) -> str:
        """A Markdown table for each form, a column for each set."""
        head = f"temperature {self.temperature:g}, seed {self.seed}, real poems of the {self.split} part"
        return "\n\n".join([head, *(f"{form}\n\n{_table(sets)}" for form, sets in self.forms.items())])


def _table(sets: dict[str, Figures]) -> str:
    names = dict.fromkeys(name for figures in sets.values() for name in figures)
    poems = {kind: figures["form"].count for kind, figures in sets.items()}
    rows = [{"": "poems", **{kind: f"{count:,}" for kind, count in poems.items()}}]
    rows += [{"": name, **{kind: _cell(name, sets[kind], poems[kind]) for kind in sets}} for name in names]
    return markdown([row for row in rows if any(list(row.values())[1:])])


def _cell(name: str, figures: Figures, poems: int) -> str:
    """A figure, and what it was counted over where that isn't the number of poems."""
    figure = figures.get(name)
    if figure is None or figure.value is None:
        return ""
    value = f"{100 * figure.value:.1f} %" if name in SHARES else f"{figure.value:.{DECIMALS.get(name, 3)}f}"
    return value if figure.count == poems else f"{value} of {figure.count:,}"


@dataclass(frozen=True)
class Examiner:
    """Has a model write, and measures what it wrote, real poems and chance."""

    model: LanguageModel
    data: PoemDataModule
    """The model's corpus."""
    split: Part
    poems: int
    temperature: float
    seed: int
    precision: str

    @cached_property
    def spans(self) -> Spans:
        return Spans.of(self.data.prepared.parts["train"], self.model.vocabulary)

    @cached_property
    def trigram(self) -> trigram.Trigram:
        return trigram.Trigram.of(self.data.prepared.parts["train"], len(self.model.vocabulary))

    def by_trigram(self, sequences: Sequences) -> tuple[np.ndarray, np.ndarray]:
        """The symbols and their −ln p, as for a :class:`~tang.evaluation.quality.Judge`."""
        return trigram.targets(sequences), self.trigram.nll(sequences)

    def by_model(self, sequences: Sequences) -> tuple[np.ndarray, np.ndarray]:
        """The same under the model, at temperature 1 and without a constraint."""
        targets, _, nll = losses(self.model, PoemLoader(sequences, self.data.batch_size), self.precision)
        return targets.numpy(), nll.numpy()

    @cached_property
    def embedding(self) -> np.ndarray:
        """(V, E)."""
        weight: np.ndarray = self.model.network.embedding.weight.detach().float().cpu().numpy()
        return weight

    def write(self, form: Form, name: str) -> tuple[list[str], Figures]:
        """Poems under one of :data:`WISHES`, and how that went."""
        start = time.perf_counter()
        self.model.network.float().cpu()
        request = Request(
            start=[""],
            chars=form.chars,
            lines=form.lines,
            n=self.poems,
            temperature=self.temperature,
            seed=self.seed,
            batch_size=self.data.batch_size,
            precision=self.precision,
        )
        poems = generate(self.model, request, WISHES[name], self.spans)
        seconds = (time.perf_counter() - start) / len(poems)
        went = {"first try": Figure.of(poem.tries == 1 for poem in poems), "seconds": Figure(seconds, len(poems))}
        return [poem.text.replace("\n", "") for poem in poems], went

    def examine(self, form: Form) -> Iterator[dict[str, Figures]]:
        """The sets of one form, one after another; a wish that can't be met is left out, and the log says why."""
        script, vocabulary = self.model.script, self.model.vocabulary
        likelihoods = {"trigram": self.by_trigram, "model": self.by_model}
        judge = Judge(form, script, vocabulary, self.spans, self.embedding, likelihoods)
        real = held_out(self.data.prepared.parts[self.split], vocabulary, form)[: self.poems]
        compared = len(real) or self.poems
        yield {"real": judge.figures(real, compared)} if real else {}
        yield {"chance": judge.figures(shuffled(real, self.seed), compared)} if real else {}
        free: float | None = None
        for name in WISHES:
            try:
                poems, went = self.write(form, name)
            except InputError as error:
                log.warning("%s, %s: left out, %s", form, name, error)
                yield {}
                continue
            figures = judge.figures(poems, compared)
            likelihood = figures["ln p, model"]
            free = likelihood.value if name == "free" else free
            cost = None if free is None or likelihood.value is None else likelihood.value - free
            yield {name: {**figures, "ln p, model, less free": Figure(cost, likelihood.count), **went}}


def poem_card(
    model: LanguageModel,
    data: PoemDataModule,
    split: Part,
    poems: int,
    forms: Sequence[Form] = tuple(FORMS.values()),
    temperature: float = 0.8,
    seed: int = 1,
    precision: str = "32-true",
) -> PoemCard:
    """The card of ``model``.

    Args:
        model: loaded from a checkpoint.
        data: its corpus.
        split: the part whose poems are the real ones: as many as are written, or all there are.
        poems: how many to write for each form and each of :data:`WISHES`.
        forms: which.
        temperature: of sampling.
        seed: of sampling and of chance.
        precision: ``32-true`` or ``bf16-mixed``; ``64-true`` for the likelihoods alone.
    """
    examiner = Examiner(model, data, split, poems, temperature, seed, precision)
    jobs = ((form, sets) for form in forms for sets in examiner.examine(form))
    total = len(forms) * (2 + len(WISHES))
    found: dict[str, dict[str, Figures]] = {str(form): {} for form in forms}
    for form, sets in tracked(jobs, "Writing and measuring", total):
        found[str(form)] |= sets
    return PoemCard(split, temperature, seed, found)
