"""Poems of a network that a test made."""

from collections.abc import Sequence
from typing import Any

from tang.data.vocabulary import Vocabulary
from tang.generation.constraint import Constraint
from tang.generation.generate import generate
from tang.generation.overlap import Spans
from tang.generation.poem import Poem
from tang.generation.request import Request
from tang.tasks.language_model import LanguageModel
from tang.tasks.network import Network
from tang.text.forms import Form


def language_model(network: Network, vocabulary: Vocabulary) -> LanguageModel:
    """A language model that has this network."""
    model = LanguageModel({"hidden_size": 1}, vocabulary.symbols, {})
    model.network = network
    return model


def write(
    network: Network,
    vocabulary: Vocabulary,
    start: Sequence[str] | None,
    form: Form | None = None,
    constraints: Sequence[Constraint] = (),
    spans: Spans | None = None,
    **keys: Any,
) -> list[Poem]:
    """The poems of a language model with this network, by default at temperature 1; ``keys`` are the request's."""
    if form:
        keys = {"form": str(form), **keys}
    if keys.get("decode", "sample") == "sample":
        keys = {"temperature": 1.0, **keys}
    request = Request(start=None if start is None else list(start), **keys)
    return generate(language_model(network, vocabulary), request, constraints, spans)
