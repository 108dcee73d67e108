"""What a finished run says to the person who started it: figures, poems, where to go on."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tang import checkpoint
from tang.training import Result
from tang.verse.decoding import Settings
from tang.verse.write import known_starts, write


def closing_words(result: Result, starts: Sequence[str], temperature: float, seed: int) -> str:
    """The held-out perplexity, a poem for each of ``starts`` that the model knows, and the next commands."""
    model = checkpoint.load(Path(result.checkpoint))
    settings = Settings(temperature=temperature)
    known = known_starts(model.vocabulary, starts)
    poems = write(model.network, model.vocabulary, known, model.form, settings=settings, seed=seed) if known else []
    return "\n".join(
        [
            "",
            f"held-out perplexity: {result.val_ppl:.1f} on the val part, {result.test_ppl:.1f} on the test part "
            f"({result.test_ppl_hanzi:.1f} on its Chinese characters alone)",
            f"epochs: {result.epochs}, minutes: {result.minutes:.1f}, {result.checkpoint}",
            "",
            "\n\n".join(poem.text for poem in poems),
            "",
            f"curves:      {_command('tensorboard')} --logdir outputs",
            f"more poems:  {_command('python')} src/sample.py ckpt=latest start=春 form=五言绝句",
            f"a card:      {_command('python')} src/evaluate.py ckpt=latest",
        ]
    )


def _command(name: str) -> str:
    """How to call a program of this environment from here: by name if the PATH has it first."""
    ours = Path(sys.prefix) / "bin" / name
    on_path = shutil.which(name)
    if not ours.exists() or (on_path and Path(on_path) == ours):
        return name
    return str(ours.relative_to(Path.cwd()) if ours.is_relative_to(Path.cwd()) else ours)
