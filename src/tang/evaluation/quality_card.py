"""The quality card: metrics of a model's poems, free and under constraints, beside real and shuffled poems."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tang.data.batches import PoemLoader
from tang.data.poems import PoemDataModule
from tang.data.prepare import Sequences
from tang.data.split import Split
from tang.errors import InputError
from tang.evaluation.measures import Measurement
from tang.evaluation.perplexity import token_losses, tracked
from tang.evaluation.quality import FORMATS, QualityMetrics, held_out, shuffled
from tang.evaluation.trigram import Trigram
from tang.generation.constraint import Constraint
from tang.generation.constraints import Acrostic, Contains, NoCopy, NoRepeat, Regulated
from tang.generation.generate import generate
from tang.generation.overlap import Spans
from tang.generation.request import Request
from tang.tables import markdown
from tang.tasks.language_model import LanguageModel
from tang.text.forms import FORMS, Form

log = logging.getLogger(__name__)

REQUESTS: dict[str, list[Constraint]] = {
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
"""Name of a set of sampled poems → the constraints that they are sampled under."""

Measurements = dict[str, Measurement]


@dataclass(frozen=True)
class QualityCard:
    """Measurements of sets of poems; docs/verse.md defines them."""

    split: str  # The split of the real poems
    temperature: float
    seed: int
    forms: dict[str, dict[str, Measurements]]
    """Form → set (``real``, ``chance`` and those of :data:`REQUESTS`) → metric → measurement."""

    def text(self) -> str:
        """A Markdown table for each form, a column for each set."""
        head = f"temperature {self.temperature:g}, seed {self.seed}, real poems of the {self.split} split"
        return "\n\n".join([head, *(f"{form}\n\n{_table(sets)}" for form, sets in self.forms.items())])


def _table(sets: dict[str, Measurements]) -> str:
    names = dict.fromkeys(name for measurements in sets.values() for name in measurements)
    poems = {kind: measurements["form"].count for kind, measurements in sets.items()}
    rows = [{"": "poems", **{kind: f"{count:,}" for kind, count in poems.items()}}]
    rows += [{"": name, **{kind: _cell(name, sets[kind], poems[kind]) for kind in sets}} for name in names]
    return markdown([row for row in rows if any(list(row.values())[1:])])


def _cell(name: str, measurements: Measurements, poems: int) -> str:
    """A measurement, and its count where that isn't the number of poems."""
    found = measurements.get(name)
    if found is None or found.value is None:
        return ""
    value = format(found.value, FORMATS.get(name, ".3f")).replace("%", " %")
    return value if found.count == poems else f"{value} of {found.count:,}"


@dataclass(frozen=True)
class QualityEvaluator:
    """Samples poems from a model and measures them, real poems and shuffled ones."""

    model: LanguageModel
    data: PoemDataModule  # The model's corpus
    split: Split  # The split of the real poems: as many as are sampled, or all there are
    poems: int  # How many poems to sample for each form and each of REQUESTS
    temperature: float = 0.8
    seed: int = 1  # Seed of sampling and of shuffling
    precision: str = "32-true"  # 32-true or bf16-mixed; 64-true is for the likelihoods alone

    def card(self, forms: Sequence[Form] = tuple(FORMS.values())) -> QualityCard:
        """Sample and measure poems of each form."""
        training, vocabulary = self.data.prepared.splits["train"], self.model.vocabulary
        spans, trigram = Spans.of(training, vocabulary), Trigram.of(training, len(vocabulary))
        steps = ((form, sets) for form in forms for sets in self._sets(form, spans, trigram))
        found: dict[str, dict[str, Measurements]] = {str(form): {} for form in forms}
        for form, sets in tracked(steps, "Sampling and measuring", len(forms) * (2 + len(REQUESTS))):
            found[str(form)] |= sets
        return QualityCard(self.split, self.temperature, self.seed, found)

    def _sets(self, form: Form, spans: Spans, trigram: Trigram) -> Iterator[dict[str, Measurements]]:
        """Each set of poems of a form, measured; the log names the sets whose request can't be satisfied."""
        model, vocabulary = self.model, self.model.vocabulary
        embedding = model.network.embedding.weight.detach().float().cpu().numpy()
        losses = {"trigram": trigram.token_losses, "model": self._model_losses}
        metrics = QualityMetrics(form, model.script, vocabulary, spans, embedding, losses)
        real = held_out(self.data.prepared.splits[self.split], vocabulary, form)[: self.poems]
        compared = len(real) or self.poems
        yield {"real": metrics.measure(real, compared)} if real else {}
        yield {"chance": metrics.measure(shuffled(real, self.seed), compared)} if real else {}
        free: float | None = None
        for name in REQUESTS:
            try:
                poems, sampling = self._sample(form, name, spans)
            except InputError as error:
                log.warning("%s, %s: left out, %s", form, name, error)
                yield {}
                continue
            measured = metrics.measure(poems, compared)
            value, count = measured["ln p, model"].value, measured["ln p, model"].count
            free = value if name == "free" else free
            cost = None if free is None or value is None else value - free
            yield {name: {**measured, "ln p, model, less free": Measurement(cost, count), **sampling}}

    def _sample(self, form: Form, name: str, spans: Spans) -> tuple[list[str], Measurements]:
        """Poems under one of :data:`REQUESTS`, and measurements of the sampling."""
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
        poems = generate(self.model, request, REQUESTS[name], spans)
        seconds = Measurement((time.perf_counter() - start) / len(poems), len(poems))
        first_try = Measurement.mean(poem.tries == 1 for poem in poems)
        return [poem.text.replace("\n", "") for poem in poems], {"first try": first_try, "seconds": seconds}

    def _model_losses(self, sequences: Sequences) -> tuple[np.ndarray, np.ndarray]:
        """Losses at temperature 1 and without a constraint."""
        targets, _, nll = token_losses(self.model, PoemLoader(sequences, self.data.batch_size), self.precision)
        return targets.numpy(), nll.numpy()
