"""The most probable languages of names, under a classifier."""

import json
from collections.abc import Sequence
from typing import NamedTuple

import torch

from tang.corpus.names import LETTERS, as_is, in_ascii
from tang.data.name_batches import encode
from tang.errors import InputError
from tang.generation.sampling import NOT_NUMBERS
from tang.tasks.name_model import NameModelBase


class Prediction(NamedTuple):
    """The languages predicted for a name."""

    name: str
    languages: dict[str, float]  # Language → probability, the most probable first


@torch.inference_mode()
def predict(model: NameModelBase, names: Sequence[str], top: int) -> list[Prediction]:
    """The ``top`` most probable languages of each name.

    An InputError for no name, or one without a letter that the model knows.
    """
    if not names:
        raise InputError("name: give one, name=Satoshi")
    clean = in_ascii if model.letters == LETTERS else as_is
    known = ["".join(letter for letter in clean(name) if letter in model.letters) for name in names]
    for name, text in zip(names, known, strict=True):
        if not any(map(str.isalpha, text)):
            letters = "Latin letter" if model.letters == LETTERS else "letter that the model knows"
            raise InputError(f"name={name}: has no {letters}")
    probabilities = model.network(*encode(known, model.letters)).softmax(-1)
    if probabilities.isnan().any():
        raise InputError(NOT_NUMBERS)
    best = probabilities.topk(min(top, len(model.languages)))
    return [
        Prediction(name, {model.languages[index]: p for index, p in zip(indices, values, strict=True)})
        for name, indices, values in zip(names, best.indices.tolist(), best.values.tolist(), strict=True)
    ]


def as_text(predictions: Sequence[Prediction]) -> str:
    """One line for each name."""
    width = max(len(name) for name, _ in predictions)
    languages = ["  ".join(f"{language} {p:.1%}" for language, p in found.items()) for _, found in predictions]
    return "\n".join(f"{name:<{width}}  {found}" for (name, _), found in zip(predictions, languages, strict=True))


def as_json(predictions: Sequence[Prediction]) -> str:
    """A JSON list of objects with the fields of :class:`Prediction`."""
    return json.dumps([prediction._asdict() for prediction in predictions], ensure_ascii=False, indent=1)
