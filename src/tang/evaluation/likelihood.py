"""Likelihood of poems under a language model, and lines of theirs that the training split has."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from math import exp

import torch

from tang.data.batches import Batch
from tang.data.poem_corpus import PoemCorpus
from tang.data.vocabulary import BOS, EOS, Vocabulary
from tang.evaluation.losses import token_losses
from tang.evaluation.poem_report import Copies, Likelihood, PoemReport
from tang.generation.constraint import IMPOSSIBLE
from tang.generation.overlap import Spans
from tang.generation.sampling import log_probabilities
from tang.prosody.critique import Critique
from tang.tasks.poem_model import PoemModelBase
from tang.text.characters import GAP_SIGN
from tang.text.forms import hanzi
from tang.text.script import Script, convert


def likelihood(model: PoemModelBase, poem: Critique) -> Likelihood:
    """ln p of a poem's tokens, see :func:`text_for`; its gaps are read as ``<unk>`` and count in no sum."""
    text = text_for(model, poem)
    ids = torch.tensor([[BOS, *model.vocabulary.encode(text), EOS]])
    nll = token_losses(model, [Batch.of(ids, len(text) + 1)]).nll
    return _likelihood(model, text, nll.neg().tolist())


@torch.inference_mode()
def with_likeliest(
    model: PoemModelBase, poem: Critique, count: int
) -> tuple[Likelihood, list[list[tuple[str, float]]]]:
    """The likelihood of a poem, and for each of its Chinese characters the ``count`` likeliest others there.

    They have their probabilities given what stands before, and come from the same forward pass.
    """
    text = text_for(model, poem)
    ids = torch.tensor([BOS, *model.vocabulary.encode(text), EOS], device=model.network.head.weight.device)
    network = model.network.eval()
    log_p = log_probabilities(network, network.head(network.read(ids[None, :-1]).features[:, 0])).cpu()  # (T, V)
    targets = ids[1:, None].cpu()
    others = log_p.masked_fill(~_characters(model.vocabulary), IMPOSSIBLE).scatter(1, targets, IMPOSSIBLE)
    likeliest = others.topk(min(count, len(model.vocabulary)))
    found = [
        [(model.vocabulary.symbols[id], exp(one)) for id, one in zip(*row, strict=True) if one > IMPOSSIBLE]
        for row in zip(likeliest.indices.tolist(), likeliest.values.tolist(), strict=True)
    ]
    of_characters = [row for row, symbol in zip(found, text, strict=False) if hanzi(symbol)]
    return _likelihood(model, text, log_p.gather(1, targets)[:, 0].tolist()), of_characters


def _characters(vocabulary: Vocabulary) -> torch.Tensor:
    """(V,) bool: the Chinese characters of a vocabulary."""
    return torch.tensor([bool(hanzi(symbol)) for symbol in vocabulary.symbols])


def _likelihood(model: PoemModelBase, text: str, log_p: list[float]) -> Likelihood:
    of_characters = [p for p, symbol in zip(log_p, text, strict=False) if hanzi(symbol)]  # log_p has <eos> too
    of_gaps = [p for p, symbol in zip(log_p, text, strict=False) if symbol == GAP_SIGN]
    return Likelihood(
        per_character=(sum(of_characters) - sum(of_gaps)) / (len(of_characters) - len(of_gaps)),
        total=sum(log_p) - sum(of_gaps),
        log_p=of_characters,
        unknown=[c for c in dict.fromkeys(hanzi(text)) if c not in model.vocabulary and c != GAP_SIGN],
    )


def text_for(model: PoemModelBase, poem: Critique) -> str:
    """The poem as the model reads it: in its script, without marks that are not in its vocabulary."""
    marks = "" if model.data.punctuation == "drop" else model.vocabulary.symbols
    return "".join(symbol for symbol in _verse(poem, model.script) if hanzi(symbol) or symbol in marks)


def add_copies(reports: Sequence[PoemReport], data: PoemCorpus) -> list[PoemReport]:
    """The reports with the copies of each poem in the training split of ``data``."""
    vocabulary = data.prepared.vocabulary
    spans = Spans.of(data.prepared.splits["train"], vocabulary)
    return [replace(report, copies=copies(report.critique, spans, vocabulary, data.script)) for report in reports]


def copies(poem: Critique, spans: Spans, vocabulary: Vocabulary, script: Script) -> Copies:
    """The lines and the longest span of a poem that occur among ``spans``, which are in ``script``."""
    characters = vocabulary.encode(hanzi(_verse(poem, script)))
    ids = iter(characters)
    lines = [list(islice(ids, len(line.text))) for line in poem.lines]
    copied = [number for number, line in enumerate(lines, 1) if spans.has_line(line)]
    return Copies(copied, int(spans.longest([characters])[0]))


def _verse(poem: Critique, script: Script) -> str:
    """The poem with its marks, converted to ``script``."""
    return poem.verse if poem.script == script else convert([poem.verse], script)[0]
