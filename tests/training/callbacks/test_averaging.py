"""Validation and ``best.ckpt`` have an average of the weights; training goes on with the last ones."""

from pathlib import Path

import pytest
import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from tang import checkpoint
from tang.config.train import TrainConfig
from tang.evaluation.losses import token_losses
from tang.runs.run import RunFolder
from tang.tasks.language_model import LanguageModel
from tang.tasks.poem_model import PoemModel
from tang.training import run as training
from tang.training.build import build_callbacks
from tang.training.callbacks import averaging
from tests.test_config import settings

Weights = dict[str, torch.Tensor]
DECAY = 0.8


class Recorder(averaging.Averaging):
    """Remembers the weights after each step, and those that each validation has."""

    steps: list[Weights]
    validated: list[tuple[int, Weights]]

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: object) -> None:
        super().on_train_batch_end(trainer, pl_module, *args)  # type: ignore[arg-type]
        self.steps.append({name: weight.detach().clone() for name, weight in pl_module.named_parameters()})


class Watcher(Callback):
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        weights = {name: weight.detach().clone() for name, weight in pl_module.named_parameters()}
        Recorder.validated.append((len(Recorder.steps), weights))


def test_the_average_is_validated_and_saved_and_the_last_weights_train_on(
    poems_txt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Recorder.steps, Recorder.validated = [], []
    monkeypatch.setattr(training, "build_callbacks", with_watcher)
    monkeypatch.setattr("tang.training.build.Averaging", Recorder)
    corpus = ["data=text", f"data.path='{poems_txt}'", f"data.cache='{poems_txt.parent / 'cache'}'"]
    small = ["model.hidden_size=8", "trainer.max_epochs=2", "trainer.accelerator=cpu", "optimizer.lr=0.1"]
    config = settings(*corpus, *small, f"callbacks.ema_decay={DECAY}")
    result = training.train(config, RunFolder(tmp_path), is_sweep=True)

    assert [count for count, _ in Recorder.validated] == [len(Recorder.steps) // 2, len(Recorder.steps)]
    for count, weights in Recorder.validated:
        average = Recorder.steps[0]
        for step in Recorder.steps[1:count]:
            average = {name: DECAY * average[name] + (1 - DECAY) * weight for name, weight in step.items()}
        for name, weight in weights.items():
            torch.testing.assert_close(weight, average[name])
            assert not torch.allclose(weight, Recorder.steps[count - 1][name])
    model = checkpoint.load(RunFolder(tmp_path).best, PoemModel)
    losses = token_losses(model, model.data_module().loader("val"))
    assert losses.nll.mean().item() == pytest.approx(result.val_loss, rel=1e-4)
    last = torch.load(RunFolder(tmp_path).last, weights_only=True)
    for name, weight in Recorder.steps[-1].items():
        torch.testing.assert_close(last["current_model_state"][name], weight)


def with_watcher(config: TrainConfig, task: LanguageModel, folder: RunFolder) -> list[Callback]:
    return [*build_callbacks(config, task, folder), Watcher()]
