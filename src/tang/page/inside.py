"""Looking inside: pictures of what a model makes of a poem.

A picture is a function of a :class:`Subject` with an entry in :data:`PICTURES`: a title, a sentence about it, and
series of numbers, one for each character, which the page draws as bars.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import nn

from tang.config.scripts import CheckConfig
from tang.data.batches import Batch
from tang.data.vocabulary import BOS, EOS, PAD
from tang.evaluation.likelihood import text_for
from tang.evaluation.parts import Constant, Recorded, replaced
from tang.evaluation.poem_report import given_poems
from tang.page.corpus import Corpus
from tang.page.verse import Scored, bits, scored, verse
from tang.prosody.critique import Critique, critique
from tang.tasks.poem_model import PoemModelBase
from tang.text.forms import hanzi


class Subject(NamedTuple):
    """What pictures are made of."""

    model: PoemModelBase
    corpus: Corpus
    poem: Critique
    scored: Scored


def surprise(subject: Subject) -> dict[str, Any]:
    """The bits of each character under the model, and under the trigram model of its corpus if that is there."""
    model, corpus, poem = subject.model, subject.corpus, subject.poem
    of_model = bits(subject.scored.likelihood.log_p)
    shown = {"title": "Surprise, character by character", "unit": "bits", "step": 5, "missing": None}
    series = [_series("the model", "bits for the model", poem, of_model)]
    means = f"A character takes {_mean(of_model):.1f} bits"
    if (counted := corpus.counted) is None:
        missing = (
            f"Beside it could stand a model that counts; the corpus isn't prepared on this computer. {corpus.advice}"
        )
        return {**shown, "about": f"{means} on average.", "missing": missing, "series": series}
    text = text_for(model, poem)
    log_p = zip(text, counted.trigram_log_p(text), strict=False)
    of_trigram = bits([one for symbol, one in log_p if hanzi(symbol)])
    about = (
        f"{means} on average; the trigram model, which counts what followed the two characters before, takes "
        f"{_mean(of_trigram):.1f}. Where the first is lower, the model used more than these two."
    )
    series.append(_series("the trigram model", "for the trigram model", poem, of_trigram))
    return {**shown, "about": about, "series": series}


@torch.inference_mode()
def gates(subject: Subject) -> dict[str, Any]:
    """How far the gates of the last layer stand open after each character, on average over its cells."""
    network = subject.model.network
    shown = {"title": "The gates", "unit": "", "step": 0.5, "missing": None}
    if network.recurrent.cell_name != "lstm":
        about = f"Gates of this kind are an LSTM's; the cells of this model are {network.recurrent.cell_name}."
        return {**shown, "about": about, "series": []}
    text, recorded = text_for(subject.model, subject.poem), Recorded(network.recurrent)
    with replaced(network, "recurrent", recorded):
        network.read(torch.tensor([[BOS, *subject.model.vocabulary.encode(text)]]))
    last = recorded.records[-1]
    series = []
    for name, gate in (("input", last.input_gate), ("forget", last.forget_gate), ("output", last.output_gate)):
        means = gate[1:, 0].mean(-1).tolist()
        values = [round(mean, 2) for symbol, mean in zip(text, means, strict=True) if hanzi(symbol)]
        series.append(_series(f"{name} gate", f"{name} gate", subject.poem, values))
    about = (
        "The mean over the cells of the last layer after each character: how much of it they take in (input gate), how "
        "much they keep of what they had (forget gate), how much they show (output gate); 0 is shut, 1 open."
    )
    return {**shown, "about": about, "series": series}


@torch.inference_mode()
def hearing(subject: Subject) -> dict[str, Any]:
    """The bits that each character would take more if the model weren't told what stands above, or the place."""
    model, echo = subject.model, subject.model.network.echo
    shown = {"title": "What it hears", "unit": "bits", "step": 2, "missing": None}
    if echo is None:
        about = "This model is told nothing of the lines above; the one that comes with the project is."
        return {**shown, "about": about, "series": []}
    text = text_for(model, subject.poem)
    batch = Batch.of(torch.tensor([[BOS, *model.vocabulary.encode(text), EOS]]), len(text) + 1)
    whole, series = model.nll(batch)[0], []
    above = {"one line above": 0, "two lines above": 1}
    parts = {name: (echo.lines, str(line), PAD) for name, line in above.items() if line < len(echo.lines)} | {
        "the place": (echo, "place", 0)
    }
    for name, (parent, attribute, id) in parts.items():
        embedding = parent.get_submodule(attribute)
        assert isinstance(embedding, nn.Embedding)
        with replaced(parent, attribute, Constant(embedding.weight[id])):
            lost = (model.nll(batch)[0] - whole) / math.log(2)
        values = [round(more, 1) for symbol, more in zip(text, lost.tolist(), strict=False) if hanzi(symbol)]
        series.append(_series(name, f"without {name}", subject.poem, values))
    about = (
        "How many bits more each character takes if nothing seems to stand in the lines above at its place, or if "
        "every character seems to be a line's first. A bar below the line: the model guesses better without."
    )
    return {**shown, "about": about, "series": series}


PICTURES: Mapping[str, Callable[[Subject], dict[str, Any]]] = {
    "surprise": surprise,
    "gates": gates,
    "hearing": hearing,
}


def look_inside(model: PoemModelBase, corpus: Corpus, config: CheckConfig) -> Iterator[dict[str, Any]]:
    """The poem of a request, then each picture of it; an InputError if it has no Chinese characters."""
    (given,) = given_poems(config.poem, None)
    found = critique(given.text, source=given.source)
    subject = Subject(model, corpus, found, scored(model, found))
    yield {"poem": {"title": given.title, "script": found.script, "lines": verse(found, subject.scored)}}
    for name, draw in PICTURES.items():
        yield {"picture": name, **draw(subject)}


def _series(name: str, said: str, poem: Critique, of_characters: list[float]) -> dict[str, Any]:
    """Bars of one kind: their name, what is said of a value, and the values line by line."""
    values = iter(of_characters)
    return {"name": name, "said": said, "values": [list(islice(values, len(line.text))) for line in poem.lines]}


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
