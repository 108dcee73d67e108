"""The most probable languages of names, under a classifier."""

import json
from collections.abc import Sequence
from typing import NamedTuple

import torch
from rich.cells import cell_len

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
def predict(model: NameModelBase, names: Sequence[str], top: int) -> tuple[list[Prediction], list[str]]:
    """The ``top`` most probable languages of each name, and the names without a letter that the model knows.

    An InputError for no name.
    """
    if not names:
        raise InputError("name: give one, name=Satoshi")
    texts = {name: _known(model, name) for name in names}
    read, unread = [name for name in names if texts[name]], [name for name in names if not texts[name]]
    if not read:
        return [], unread
    probabilities = model.network(*encode((texts[name] for name in read), model.letters)).softmax(-1)
    if probabilities.isnan().any():
        raise InputError(NOT_NUMBERS)
    best = probabilities.topk(min(top, len(model.languages)))
    predictions = [
        Prediction(name, {model.languages[index]: p for index, p in zip(indices, values, strict=True)})
        for name, indices, values in zip(read, best.indices.tolist(), best.values.tolist(), strict=True)
    ]
    return predictions, unread


def _known(model: NameModelBase, name: str) -> str:
    """What the model reads of ``name``; "" without any letter."""
    clean = in_ascii if model.letters == LETTERS else as_is
    known = "".join(character for character in clean(name) if character in model.letters)
    return known if any(map(str.isalpha, known)) else ""


def refuse_unread(model: NameModelBase, unread: Sequence[str]) -> None:
    """Raise an InputError if there are names that the model can't read."""
    if unread:
        letters = "Latin letter" if model.letters == LETTERS else "letter that the model knows"
        raise InputError(f"name={','.join(unread)}: {'has' if len(unread) == 1 else 'have'} no {letters}")


def as_text(predictions: Sequence[Prediction]) -> str:
    """One line for each name, aligned; a Chinese character is two columns wide."""
    width = max(cell_len(name) for name, _ in predictions)
    languages = ["  ".join(f"{language} {p:.1%}" for language, p in found.items()) for _, found in predictions]
    names = [name + " " * (width - cell_len(name)) for name, _ in predictions]
    return "\n".join(f"{name}  {found}" for name, found in zip(names, languages, strict=True))


def as_json(predictions: Sequence[Prediction]) -> str:
    """A JSON list of objects with the fields of :class:`Prediction`."""
    return json.dumps([prediction._asdict() for prediction in predictions], ensure_ascii=False, indent=1)
