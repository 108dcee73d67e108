"""The last lines of a finished run: held-out metrics, examples of what the model does, the next commands."""

import os
import shutil
import sys
from functools import singledispatch
from pathlib import Path
from typing import Any

import hydra

from tang import checkpoint
from tang.config.train import TrainConfig
from tang.errors import InputError
from tang.evaluation.predict_names import as_text, predict
from tang.generation.drafts import default_starts, known_starts
from tang.generation.generate import generate
from tang.generation.poem import Poem
from tang.generation.request import Request, request_class
from tang.runs.run import Result, RunFolder
from tang.tasks.base import Task
from tang.tasks.classifier import Classifier
from tang.tasks.language_model import LanguageModel
from tang.text.forms import FORMS
from tang.training.callbacks.samples import sample_request

CANDIDATES = 8  # Poems written for each one shown
FEW = 10  # So many poems or names at least must be held out for a figure
EXAMPLES = ("Satoshi", "Jackson", "Dostoevsky")


def final_message(result: Result, config: TrainConfig, folder: RunFolder) -> str:
    """The message of a run that has just finished."""
    kind: type[Task] = hydra.utils.get_class(config.model._target_)
    task = checkpoint.load(Path(result.checkpoint), kind)
    curves = f"curves:      {_command('tensorboard')} --logdir outputs"
    return "\n".join(["", *describe(task, result, config, folder), curves])


@singledispatch
def describe(task: Task, result: Result, config: TrainConfig, folder: RunFolder) -> list[str]:
    """The lines about a task's metrics and examples; register an implementation for a new class of task."""
    return [f"{name}: {value:.4g}" for name, value in result.metrics.items()] + [_run(result), ""]


@describe.register
def _(task: LanguageModel, result: Result, config: TrainConfig, folder: RunFolder) -> list[str]:
    few = _too_few(result, "poems")
    metrics, request = result.metrics, sample_request(config.callbacks.samples, task, config.seed)
    poems = closing_poems(task, request) if request.start else []
    start, *_ = [*known_starts(task.vocabulary, "春"), *default_starts(task.vocabulary)]
    form = " form=五言绝句 rhyme=true" if task.form in FORMS.values() else ""
    return [
        few
        or f"held-out perplexity: {metrics['val/ppl']:.1f} on the val split, {metrics['test/ppl']:.1f} on the test "
        f"split ({metrics['test/ppl_hanzi']:.1f} on its Chinese characters alone)",
        _run(result),
        "",
        "\n\n".join(poem.text for poem in poems),
        "",
        f"more poems:  {_command('python')} src/sample.py ckpt=latest start={start}{form}",
        f"a card:      {_command('python')} src/evaluate.py ckpt=latest",
    ]


def closing_poems(task: LanguageModel, request: Request) -> list[Poem]:
    """The poems of a request: the best of some candidates that rhyme and keep tones, if they can in its form."""
    wishes = {"rhyme": "true", "tones": "loose", "candidates": CANDIDATES}
    asked: Any = request_class()(**{**vars(request), **wishes})
    try:
        return generate(task, asked, asked.active_constraints())
    except InputError:  # a song's form has no tones, a few poems have no words that rhyme
        return generate(task, request)


@describe.register
def _(task: Classifier, result: Result, config: TrainConfig, folder: RunFolder) -> list[str]:
    metrics, few = result.metrics, _too_few(result, "names")
    examples = [name for name in EXAMPLES if set(name) <= set(task.letters)]
    return [
        few
        or f"held-out accuracy: {metrics['val/accuracy']:.1%} on the val split, {metrics['test/accuracy']:.1%} on "
        f"the test split ({metrics['test/accuracy_balanced']:.1%} if each language counts the same)",
        _run(result),
        "",
        as_text(predict(task, examples, top=3)[0]) if examples else "",
        "",
        f"more names:  {_command('python')} src/predict.py ckpt=latest name={examples[0] if examples else 'NAME'}",
        f"a picture:   {os.path.relpath(folder.confusion)}",
    ]


def _too_few(result: Result, things: str) -> str:
    """Why nothing is said of the held-out ``things``, if they are too few."""
    few = [f"{result.sizes[split]} {split}" for split in ("val", "test") if result.sizes.get(split, FEW) < FEW]
    return f"too few {things} are held out to say how good the model is: {', '.join(few)}" if few else ""


def _run(result: Result) -> str:
    return f"epochs: {result.epochs}, minutes: {result.minutes:.1f}, {result.checkpoint}"


def _command(name: str) -> str:
    """The command that calls a program of this environment from here: its name if the PATH has it first."""
    ours = Path(sys.prefix) / "bin" / name
    on_path = shutil.which(name)
    if not ours.exists() or (on_path and Path(on_path) == ours):
        return name
    return str(ours.relative_to(Path.cwd()) if ours.is_relative_to(Path.cwd()) else ours)
