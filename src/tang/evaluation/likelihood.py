"""What a model and its training part have to say of poems."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from tang import checkpoint
from tang.data.batches import Batch
from tang.data.poems import PoemDataModule
from tang.data.vocabulary import BOS, EOS, Vocabulary
from tang.evaluation.perplexity import losses
from tang.evaluation.poem_report import Copies, Likelihood, Report
from tang.generation.overlap import Spans
from tang.prosody.critique import Critique
from tang.tasks.language_model import LanguageModel
from tang.text.forms import hanzi
from tang.text.script import Script, convert


def judged(reports: Sequence[Report], ckpt: str | None, corpus: bool, places: Mapping[str, str | None]) -> list[Report]:
    """The reports with the likelihood under the model ``ckpt``, if there is one, and with copies, if ``corpus``.

    The training part is the model's own; without a model that of the 全唐诗, or of ``places["path"]``.

    Args:
        reports: on poems.
        ckpt: a checkpoint, or ``latest``.
        corpus: whether to look the poems up.
        places: where the corpus is, ``dir``, ``path`` and ``cache``; None: where it was, or where it goes.

    Raises:
        InputError: the checkpoint or the corpus can't be had.
    """
    model = checkpoint.load(checkpoint.find(ckpt, LanguageModel), LanguageModel) if ckpt else None
    if model is not None:
        reports = [replace(report, likelihood=likelihood(model, report.critique)) for report in reports]
    if corpus:
        part = TrainingPart.of(model.data_module(places) if model else _default(places))
        reports = [replace(report, copies=part.copies(report.critique)) for report in reports]
    return list(reports)


def _default(places: Mapping[str, str | None]) -> PoemDataModule:
    given = {key: place for key, place in places.items() if place is not None}
    return PoemDataModule("text" if "path" in given else "tang", **given)  # type: ignore[arg-type]


def likelihood(model: LanguageModel, poem: Critique) -> Likelihood:
    """ln p of a poem's symbols, in the model's script, with the marks that it knows.

    Raises:
        InputError: the model's scores aren't numbers.
    """
    verse = _in_script(poem.verse, poem.script, model.script)
    marks = "" if model.data.get("punctuation") == "drop" else model.vocabulary.symbols
    text = "".join(character for character in verse if hanzi(character) or character in marks)
    ids = torch.tensor([[BOS, *model.vocabulary.encode(text), EOS]])
    _, _, nll = losses(model, [Batch.of(ids, len(text) + 1)])
    log_p = nll.neg().tolist()
    of_characters = [p for p, symbol in zip(log_p, text, strict=False) if hanzi(symbol)]  # log_p has the end's too
    return Likelihood(
        per_character=sum(of_characters) / len(of_characters),
        total=sum(log_p),
        log_p=of_characters,
        unknown=[character for character in dict.fromkeys(hanzi(text)) if character not in model.vocabulary],
    )


@dataclass(frozen=True)
class TrainingPart:
    """A training part to look poems up in."""

    spans: Spans
    vocabulary: Vocabulary
    script: Script

    @classmethod
    def of(cls, data: PoemDataModule) -> "TrainingPart":
        prepared = data.prepared
        spans = Spans.of(prepared.splits["train"], prepared.vocabulary)
        return cls(spans, prepared.vocabulary, data.options.script)

    def copies(self, poem: Critique) -> Copies:
        """The lines and the longest span of ``poem`` that stand there."""
        characters = self.vocabulary.encode(hanzi(_in_script(poem.verse, poem.script, self.script)))
        ids = iter(characters)
        lines = [[next(ids) for _ in line.text] for line in poem.lines]
        found = [number for number, line in enumerate(lines, 1) if self.spans.has_line(line)]
        return Copies(found, int(self.spans.longest([characters])[0]))


def _in_script(text: str, script: Script, wanted: Script) -> str:
    return text if script == wanted else convert([text], wanted)[0]
