"""Poems after every validation, to watch the model learn."""

from collections.abc import Sequence

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.loggers import TensorBoardLogger

from tang.corpus.forms import Form
from tang.tasks.language_model import LanguageModel
from tang.verse.decoding import Settings
from tang.verse.write import write


class Samples(Callback):
    """Writes a poem for each start to TensorBoard's Text page, with the same random numbers each time.

    Starts that the vocabulary lacks are left out.
    """

    def __init__(self, start: Sequence[str], form: Form, temperature: float, seed: int) -> None:
        self.start = start
        self.form = form
        self.settings = Settings(temperature=temperature)
        self.seed = seed

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        assert isinstance(pl_module, LanguageModel)
        vocabulary = pl_module.vocabulary
        known = [start for start in self.start if all(character in vocabulary for character in start)]
        if isinstance(trainer.logger, TensorBoardLogger) and known:
            poems = write(pl_module.network, vocabulary, known, self.form, settings=self.settings, seed=self.seed)
            text = "\n\n---\n\n".join(poem.text.replace("\n", "  \n") for poem in poems)
            trainer.logger.experiment.add_text("samples", text, trainer.global_step)
