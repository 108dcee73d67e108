"""Sample poems after every validation, to watch the model learn."""

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities import rank_zero_only

from tang.config.keys import STARTS
from tang.config.train import SamplesConfig
from tang.generation.drafts import default_starts, known_starts
from tang.generation.generate import generate
from tang.generation.request import Request
from tang.generation.slots import Layout
from tang.tasks.language_model import LanguageModel
from tang.text.forms import form_named
from tang.training.loggers import log_text


def sample_request(config: SamplesConfig, model: LanguageModel, seed: int) -> Request:
    """The request for a poem for each start that the model knows; an InputError if one doesn't fit the form."""
    form = form_named(config.form) if config.form else model.form
    is_default = config.start == list(STARTS)
    starts = default_starts(model.vocabulary) if is_default else known_starts(model.vocabulary, config.start)
    for start in starts:
        Layout(form, model.vocabulary).prompt_ids(start)
    return Request(start=starts, form=str(form), temperature=config.temperature, seed=seed)


class Samples(Callback):
    """Shows the poems of a request after every validation, with the same random numbers each time."""

    def __init__(self, request: Request) -> None:
        self.request = request

    @rank_zero_only
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        assert isinstance(pl_module, LanguageModel)
        if trainer.loggers and self.request.start:
            poems = generate(pl_module, self.request)
            text = "\n\n---\n\n".join(poem.text.replace("\n", "  \n") for poem in poems)
            log_text(trainer, "samples", text, trainer.global_step - 1)  # the step that the losses are logged at
