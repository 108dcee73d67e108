"""Sample poems after every validation, to watch the model learn."""

from collections.abc import Sequence

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities import rank_zero_only

from tang.data.vocabulary import Vocabulary
from tang.generation.generate import generate, known_starts
from tang.generation.request import Request
from tang.generation.slots import Layout
from tang.tasks.language_model import LanguageModel
from tang.text.forms import Form
from tang.training.loggers import log_text


class Samples(Callback):
    """Writes a poem for each start to TensorBoard's Text page, with the same random numbers each time.

    Starts that the vocabulary lacks are left out.

    Raises:
        InputError: a start doesn't fit the form.
    """

    def __init__(
        self, starts: Sequence[str], form: Form, vocabulary: Vocabulary, temperature: float, seed: int
    ) -> None:
        self.starts = known_starts(vocabulary, starts)
        for start in self.starts:
            Layout(form, vocabulary).place(start)
        self.request = Request(
            start=self.starts, chars=form.chars, lines=form.lines, temperature=temperature, seed=seed
        )

    @rank_zero_only
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        assert isinstance(pl_module, LanguageModel)
        if trainer.loggers and self.starts:
            poems = generate(pl_module, self.request)
            text = "\n\n---\n\n".join(poem.text.replace("\n", "  \n") for poem in poems)
            log_text(trainer, "samples", text, trainer.global_step - 1)  # the step that the losses are logged at
