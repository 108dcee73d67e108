"""The quality card: metrics of a model's poems, free and under constraints, beside real and shuffled poems."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from tang.console import tracked
from tang.data.batches import PoemLoader
from tang.data.poem_corpus import PoemCorpus
from tang.data.sequences import Sequences
from tang.data.split import Split
from tang.errors import InputError
from tang.evaluation.losses import token_losses
from tang.evaluation.measures import Measurement
from tang.evaluation.quality import NUMBER_FORMATS, QualityMetrics, held_out, shuffled
from tang.evaluation.trigram import Trigram
from tang.generation.constraint import Constraint
from tang.generation.constraints import Acrostic, NoCopy, NoRepeat, Regulated
from tang.generation.generate import generate
from tang.generation.overlap import Spans
from tang.generation.request import Request
from tang.generation.words import Contains
from tang.tables import markdown
from tang.tasks.poem_model import PoemModelBase
from tang.text.forms import Form

log = logging.getLogger(__name__)

REQUESTS: dict[str, list[Constraint]] = {  # Name of a set of sampled poems → its constraints
    "free": [],
    "rhyme": [Regulated(rhyme="true")],
    "strict tones": [Regulated(tones="strict")],
    "rhyme, loose tones": [Regulated(rhyme="true", tones="loose")],
    "rhyme, strict tones": [Regulated(rhyme="true", tones="strict")],
    "acrostic": [Acrostic(["春夏秋冬"])],
    "contains": [Contains(["月", "酒"])],
    "no_repeat": [NoRepeat(True)],
    "no_copy": [NoCopy(True)],
}

Measurements = dict[str, Measurement]


@dataclass(frozen=True)
class QualityCard:
    """Measurements of sets of poems; docs/verse.md defines them."""

    split: str  # The split of the real poems
    temperature: float
    seed: int
    forms: dict[str, dict[str, Measurements]]  # Form → set (real, chance, those of REQUESTS) → metric → measurement

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
    value = format(found.value, NUMBER_FORMATS.get(name, ".3f")).replace("%", " %")
    return value if found.count == poems else f"{value} of {found.count:,}"


def measure_quality(
    model: PoemModelBase, data: PoemCorpus, split: Split, request: Request, forms: Sequence[Form]
) -> QualityCard:
    """The quality card of ``model``, whose corpus is ``data``.

    For each form and each of :data:`REQUESTS` it samples as many poems as ``request`` says, in its way. They are
    measured beside as many poems of ``split``, or all there are. The log names the REQUESTS that can't be satisfied.
    """
    training, vocabulary = data.prepared.splits["train"], model.vocabulary
    spans, trigram = Spans.of(training, vocabulary), Trigram.of(training, len(vocabulary))
    embedding = model.network.embedding.weight.detach().float().cpu().numpy()

    def model_losses(sequences: Sequences) -> tuple[np.ndarray, np.ndarray]:
        """Losses at temperature 1 and without a constraint."""
        losses = token_losses(model, PoemLoader(sequences, request.batch_size), request.precision)
        return losses.targets.numpy(), losses.nll.numpy()

    losses = {"trigram": trigram.token_losses, "model": model_losses}
    real = {form: held_out(data.prepared.splits[split], vocabulary, form)[: request.used_n] for form in forms}
    found: dict[str, dict[str, Measurements]] = {str(form): {} for form in forms}
    for form, name in tracked(list(product(forms, ["real", "chance", *REQUESTS])), "Sampling and measuring"):
        poems = real[form] if name == "real" else shuffled(real[form], request.used_seed)
        sampling: Measurements = {}
        if name in REQUESTS:
            try:
                poems, sampling = _sample(model, request, form, REQUESTS[name], spans)
            except InputError as error:
                log.warning("%s, %s: left out, %s", form, name, error)
                continue
        if poems:
            metrics = QualityMetrics(form, model.script, vocabulary, spans, embedding, losses)
            found[str(form)][name] = metrics.measure(poems, len(real[form]) or request.used_n)
        if sampling:
            found[str(form)][name] |= {"ln p, model, less free": _cost(found[str(form)], name), **sampling}
    return QualityCard(split, request.used_temperature, request.used_seed, found)


def _sample(
    model: PoemModelBase, request: Request, form: Form, constraints: Sequence[Constraint], spans: Spans
) -> tuple[list[str], Measurements]:
    """Poems of a form under constraints, and measurements of the sampling."""
    start = time.perf_counter()
    model.network.float().cpu()
    poems = generate(model, replace(request, start=[""], chars=form.chars, lines=form.lines), constraints, spans)
    seconds = Measurement((time.perf_counter() - start) / len(poems), len(poems))
    first_try = Measurement.mean(poem.tries == 1 for poem in poems)
    return [poem.text.replace("\n", "") for poem in poems], {"first try": first_try, "seconds": seconds}


def _cost(sets: dict[str, Measurements], name: str) -> Measurement:
    """The mean ln p of the set ``name`` less that of the set ``free``."""
    own, free = (sets[each]["ln p, model"].value if each in sets else None for each in (name, "free"))
    return Measurement(None if own is None or free is None else own - free, sets[name]["ln p, model"].count)
