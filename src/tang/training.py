"""One run: from a config to a trained model, its figures and its folder."""

import json
import logging
import math
import os
import time
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import hydra
import pytorch_lightning as pl
from lightning_fabric.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.callbacks import Callback, EarlyStopping, ModelCheckpoint, RichProgressBar
from pytorch_lightning.loggers import TensorBoardLogger

from tang import checkpoint
from tang.callbacks.progress import Progress
from tang.callbacks.samples import Samples
from tang.corpus.forms import FORMS, form_named
from tang.data.poems import PoemDataModule
from tang.errors import InputError
from tang.tasks.language_model import LanguageModel

log = logging.getLogger(__name__)

# Lightning 2.6 asks PyTorch 2.13 in a way that it deprecates; nothing a user could mend.
warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\)")

RESULT = "result.json"


@dataclass(frozen=True)
class Result:
    """What a run came to; ``result.json`` in its folder."""

    val_loss: float
    """Of the best checkpoint; infinite if it isn't a number."""
    val_ppl: float
    test_ppl: float
    test_ppl_hanzi: float
    epochs: int
    minutes: float
    tokens_per_second: float
    checkpoint: str


def train(config: DictConfig, folder: Path, is_sweep: bool) -> Result:
    """Train what ``config`` (``conf/train.yaml``) says, in ``folder``.

    Raises:
        InputError: the corpus, a checkpoint or a Trainer argument is wrong.
    """
    started = time.perf_counter()
    settings: Any = OmegaConf.to_container(config, resolve=True)
    logging.captureWarnings(True)
    pl.seed_everything(config.seed, workers=True, verbose=False)
    data, task = build(config, settings)
    log.info("corpus\n%s", data.prepared.card.text())

    best = ModelCheckpoint(folder / "checkpoints", "best", monitor="val/loss", enable_version_counter=False)
    progress = Progress()
    trainer = build_trainer(settings, folder, is_sweep, [best, progress, *callbacks(settings, task, folder)])
    if isinstance(trainer.logger, TensorBoardLogger):
        trainer.logger.experiment.add_text("corpus", data.prepared.card.markdown(), 0)

    trainer.fit(task, datamodule=data)
    best_path = Path(best.best_model_path or folder / "checkpoints" / "best.ckpt")
    val_loss = best.best_model_score
    if val_loss is None:  # training ended before its first validation
        trainer.validate(task, datamodule=data, verbose=False)
        val_loss = trainer.callback_metrics["val/loss"]
        trainer.save_checkpoint(best_path)
    (test,) = trainer.test(task, datamodule=data, ckpt_path=str(best_path), weights_only=True, verbose=False)

    loss = math.inf if math.isnan(val_loss) else float(val_loss)
    result = Result(
        val_loss=loss,
        val_ppl=math.exp(loss) if loss < 700 else math.inf,
        test_ppl=test["test/ppl"],
        test_ppl_hanzi=test["test/ppl_hanzi"],
        epochs=trainer.current_epoch,
        minutes=(time.perf_counter() - started) / 60,
        tokens_per_second=progress.tokens_per_second,
        checkpoint=os.path.relpath(best_path),
    )
    record(result, settings, trainer, folder)
    return result


def build(config: DictConfig, settings: Mapping[str, Any]) -> tuple[PoemDataModule, LanguageModel]:
    """The data and the model; from a checkpoint's weights and vocabulary with ``init_from``."""
    origin = checkpoint.load(checkpoint.find(config.init_from, "init_from")) if config.init_from else None
    vocabulary = origin.vocabulary.symbols if origin else None
    arguments = dict(settings["data"])
    data: PoemDataModule = hydra.utils.get_class(arguments.pop("_target_"))(**arguments, vocabulary=vocabulary)
    model = dict(settings["model"])
    if origin:
        check_script(origin, data)
        model = {**origin.hparams["model"], "dropout": model["dropout"]}
        log.info("starting from %s, with its vocabulary and sizes", config.init_from)
    data.prepare_data()
    shapes = [name for name in data.prepared.card.shapes if name in FORMS]
    task = LanguageModel(
        model=model,
        vocabulary=data.prepared.vocabulary.symbols,
        data=arguments,
        form=shapes[0] if shapes else "七言绝句",
        optimizer=hydra.utils.instantiate(config.optimizer, _convert_="all"),
        scheduler=hydra.utils.instantiate(config.scheduler),
    )
    if origin:
        task.load_state_dict(origin.state_dict())
    return data, task


def check_script(origin: LanguageModel, data: PoemDataModule) -> None:
    """Refuse to go on in the other script: hardly a character would be known."""
    if (script := origin.data["script"]) != data.options.script:
        raise InputError(
            f"data.script={data.options.script}: init_from was trained with data.script={script}; use that"
        )


def callbacks(settings: Mapping[str, Any], task: LanguageModel, folder: Path) -> list[Callback]:
    """Those of the config's ``callbacks``, and the checkpoint of the last epoch."""
    wanted = settings["callbacks"]
    samples, stopping = wanted["samples"], wanted["early_stopping"]
    form = form_named(samples["form"]) if samples["form"] else task.default_form
    last = ModelCheckpoint(
        folder / "checkpoints", "last", monitor=None, save_on_train_epoch_end=True, enable_version_counter=False
    )
    listed: list[Callback] = [Samples(samples["start"], form, samples["temperature"], settings["seed"]), last]
    if stopping["patience"] is not None:
        listed.append(EarlyStopping("val/loss", stopping["min_delta"], stopping["patience"], strict=False))
    return listed


def build_trainer(settings: Mapping[str, Any], folder: Path, is_sweep: bool, callbacks: list[Callback]) -> pl.Trainer:
    """Lightning's Trainer; a sweep has lines instead of progress bars.

    Raises:
        InputError: it refuses an argument.
    """
    arguments = dict(settings["trainer"])
    arguments["default_root_dir"] = arguments["default_root_dir"] or str(folder)
    if is_sweep:
        arguments["enable_progress_bar"] = False
    if arguments["enable_progress_bar"] is not False:
        callbacks = [*callbacks, RichProgressBar()]
    if arguments["logger"]:
        arguments["logger"] = TensorBoardLogger(folder, name="", version="", default_hp_metric=False)
    try:
        return pl.Trainer(**arguments, callbacks=callbacks)
    except (ValueError, TypeError, MisconfigurationException) as error:
        raise InputError(f"trainer: {' '.join(str(error).split())}") from error


def record(result: Result, settings: Mapping[str, Any], trainer: pl.Trainer, folder: Path) -> None:
    """``result.json``, and the run's row among TensorBoard's HParams."""
    (folder / RESULT).write_text(json.dumps(asdict(result), indent=1), encoding="utf-8")
    if isinstance(trainer.logger, TensorBoardLogger):
        kept = ("max_epochs", "max_steps", "precision", "gradient_clip_val", "accumulate_grad_batches")
        varied = {group: _plain(settings[group]) for group in ("data", "model", "optimizer", "scheduler")}
        varied["trainer"] = {name: settings["trainer"][name] for name in kept}
        varied |= {name: settings[name] for name in ("seed", "init_from")}
        metrics = {"hp/val_loss": result.val_loss, "hp/val_ppl": result.val_ppl}
        trainer.logger.log_hyperparams(varied, metrics)
        trainer.logger.finalize("success")


def _plain(group: Mapping[str, Any]) -> dict[str, Any]:
    """A group of the config for a table: the last word of its ``_target_`` for a name, no other Hydra keys."""
    name = {"name": group["_target_"].rpartition(".")[2]} if "_target_" in group else {}
    return name | {key: value for key, value in group.items() if not key.startswith("_")}
