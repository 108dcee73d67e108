"""What a finished run says to the person who started it: figures, poems, where to go on."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tang import checkpoint
from tang.evaluation.predict_names import as_text, predict
from tang.generation.generate import generate, known_starts
from tang.generation.request import Request
from tang.tasks.classifier import Classifier
from tang.tasks.language_model import LanguageModel
from tang.training.run import Result

EXAMPLES = ("Satoshi", "Jackson", "Dostoevsky")


def closing_words(result: Result, starts: Sequence[str], temperature: float, seed: int) -> str:
    """What came of a run: its held-out figures, what the model can do now, and the next commands."""
    if result.task == LanguageModel.__name__:
        figures, words = _of_poems(result, starts, temperature, seed)
    else:
        figures, words = _of_names(result)
    return "\n".join(
        [
            "",
            figures,
            f"epochs: {result.epochs}, minutes: {result.minutes:.1f}, {result.checkpoint}",
            "",
            words,
            f"curves:      {_command('tensorboard')} --logdir outputs",
        ]
    )


def _of_poems(result: Result, starts: Sequence[str], temperature: float, seed: int) -> tuple[str, str]:
    """The perplexities; a poem for each of ``starts`` that the model knows, and how to have more."""
    metrics = result.metrics
    figures = (
        f"held-out perplexity: {metrics['val/ppl']:.1f} on the val part, {metrics['test/ppl']:.1f} on the test part "
        f"({metrics['test/ppl_hanzi']:.1f} on its Chinese characters alone)"
    )
    model = checkpoint.load(Path(result.checkpoint), LanguageModel)
    known = known_starts(model.vocabulary, starts)
    poems = (
        generate(model, Request(start=known, form=str(model.form), temperature=temperature, seed=seed)) if known else []
    )
    words = [
        "\n\n".join(poem.text for poem in poems),
        "",
        f"more poems:  {_command('python')} src/sample.py ckpt=latest start=春 form=五言绝句",
        f"a card:      {_command('python')} src/evaluate.py ckpt=latest",
    ]
    return figures, "\n".join(words)


def _of_names(result: Result) -> tuple[str, str]:
    """The accuracies; the languages of some names, and how to ask for others."""
    metrics = result.metrics
    figures = (
        f"held-out accuracy: {metrics['val/accuracy']:.1%} on the val part, {metrics['test/accuracy']:.1%} on the test "
        f"part ({metrics['test/accuracy_balanced']:.1%} if each language counts the same)"
    )
    path = Path(result.checkpoint)
    words = [
        as_text(predict(checkpoint.load(path, Classifier), EXAMPLES, top=3)),
        "",
        f"more names:  {_command('python')} src/predict.py ckpt=latest name=Satoshi",
        f"a picture:   {path.parent.parent / 'confusion.png'}",
    ]
    return figures, "\n".join(words)


def _command(name: str) -> str:
    """How to call a program of this environment from here: by name if the PATH has it first."""
    ours = Path(sys.prefix) / "bin" / name
    on_path = shutil.which(name)
    if not ours.exists() or (on_path and Path(on_path) == ours):
        return name
    return str(ours.relative_to(Path.cwd()) if ours.is_relative_to(Path.cwd()) else ours)
