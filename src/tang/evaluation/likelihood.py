"""Likelihood of poems under a language model, and lines of theirs that the training split has."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import torch

from tang.data.batches import Batch
from tang.data.poem_corpus import PoemCorpus
from tang.data.vocabulary import BOS, EOS
from tang.evaluation.losses import token_losses
from tang.evaluation.poem_report import Copies, Likelihood, PoemReport
from tang.generation.overlap import Spans
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
    log_p = nll.neg().tolist()
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
    """The reports with the lines and the longest span of each poem that occur in the training split of ``data``."""
    vocabulary = data.prepared.vocabulary
    spans = Spans.of(data.prepared.splits["train"], vocabulary)
    found = []
    for report in reports:
        characters = vocabulary.encode(hanzi(_verse(report.critique, data.script)))
        ids = iter(characters)
        lines = [list(islice(ids, len(line.text))) for line in report.critique.lines]
        copied = [number for number, line in enumerate(lines, 1) if spans.has_line(line)]
        found.append(replace(report, copies=Copies(copied, int(spans.longest([characters])[0]))))
    return found


def _verse(poem: Critique, script: Script) -> str:
    """The poem with its marks, converted to ``script``."""
    return poem.verse if poem.script == script else convert([poem.verse], script)[0]
